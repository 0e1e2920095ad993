"""The configs for clusters with GPUs: what is compiled from them, and that Google's own SDK takes it."""

import json

import pytest
import yaml

from pipeline.runners.compile_pipeline import compile_pipeline
from pipeline.settings import load_settings
from tests.conftest import CONFIG_VARIABLES, PROJECT

IMAGE = CONFIG_VARIABLES["PETSEG_IMAGE"]
GPU = {"kubeflow": "nvidia.com/gpu", "vertex": "NVIDIA_TESLA_T4"}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict:
    """What `compile` writes for each cluster from its config."""
    folder = tmp_path_factory.mktemp("gpu")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in CONFIG_VARIABLES.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["petseg"])
        for target in GPU:
            root = ["runner.pipeline_root=gs://bucket/pipeline_root"]
            settings = load_settings(PROJECT / f"configs/{target}_gpu.yaml", root)
            compile_pipeline(settings, target, folder / f"{target}.yaml")
    return {target: folder / f"{target}.yaml" for target in GPU}


@pytest.fixture(scope="module")
def kubeflow(files) -> list[dict]:
    return list(yaml.safe_load_all(files["kubeflow"].read_text()))


@pytest.fixture(scope="module")
def vertex(files) -> dict:
    return json.loads(files["vertex"].read_text())


@pytest.mark.parametrize("target", GPU)
def test_the_trainer_alone_has_a_gpu_and_the_image_for_it(target, kubeflow, vertex):
    spec = {"kubeflow": kubeflow[0], "vertex": vertex.get("pipelineSpec")}[target]
    containers = {
        label.removesuffix("_executor"): executor["container"]
        for label, executor in spec["deploymentSpec"]["executors"].items()
    }
    with_gpu = {
        name: container["resources"]["accelerator"]
        for name, container in containers.items()
        if "accelerator" in container.get("resources", {})
    }
    assert with_gpu == {"Trainer": {"type": GPU[target], "count": "1"}}
    images = {name: container["image"] for name, container in containers.items()}
    assert images.pop("Trainer") == f"{IMAGE}:cuda"
    assert set(images.values()) == {f"{IMAGE}:cpu"}
    command = containers["Trainer"]["command"]
    assert command[:3] == ["timeout", "--kill-after=60", "86400"]
    (retries,) = [
        task["retryPolicy"]["maxRetryCount"]
        for task in spec["root"]["dag"]["tasks"].values()
        if task["componentRef"]["name"] == "Trainer"
    ]
    assert retries == 3


def test_the_volume_holds_data_weights_and_models(kubeflow):
    told = kubeflow[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(told) == set(kubeflow[0]["deploymentSpec"]["executors"])
    for executor in told.values():
        assert executor["pvcMount"] == [{"constant": "petseg", "mountPath": "/petseg"}]
    text = json.dumps(kubeflow[0])
    for path in ("/petseg/data", "/petseg/weights/mobilenet_v2_imagenet_notop.h5", "/petseg/serving_model"):
        assert path in text


@pytest.fixture(scope="module")
def sdk():
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform

    aiplatform.init(project="pets", location="europe-west4", credentials=AnonymousCredentials())
    return aiplatform


@pytest.fixture(scope="module")
def sdk_job(sdk, files):
    return sdk.PipelineJob(
        display_name="petseg", template_path=str(files["vertex"]), labels={"team": "vision"}
    )


def test_googles_sdk_takes_the_file(sdk_job, vertex):
    job = sdk_job.to_dict()
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/pipeline_root"
    assert job["labels"] == {"team": "vision"}
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    assert tasks.keys() == vertex["pipelineSpec"]["root"]["dag"]["tasks"].keys()
    caching = {name: task["cachingOptions"].get("enableCache", False) for name, task in tasks.items()}
    uncached = {tasks[name]["componentRef"]["name"] for name, enabled in caching.items() if not enabled}
    # The encoder's weights are a file, which may change.
    assert uncached == {"SegmentationExampleGen", "ProductionModel", "Trainer"}
    resources = job["pipelineSpec"]["deploymentSpec"]["executors"]["Trainer_executor"]["container"][
        "resources"
    ]
    assert (resources["cpuLimit"], resources["memoryLimit"]) == (8, 30)


def test_googles_sdk_makes_a_schedule_of_it(sdk, sdk_job):
    schedule = sdk.PipelineJobSchedule(pipeline_job=sdk_job, display_name="weekly")
    request = schedule.to_dict()["createPipelineJobRequest"]
    assert request["parent"] == "projects/pets/locations/europe-west4"
    assert request["pipelineJob"]["labels"] == {"team": "vision"}
    assert request["pipelineJob"]["pipelineSpec"] == sdk_job.to_dict()["pipelineSpec"]
