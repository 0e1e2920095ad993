"""The configs for clusters with GPUs: what is compiled from them, and that Google's own SDK takes it."""

import json

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from petseg.errors import UserError
from pipeline.runners.compile_pipeline import compile_pipeline
from pipeline.settings import load_settings
from tests.conftest import CONFIG_VARIABLES, PROJECT

IMAGE = CONFIG_VARIABLES["PETSEG_IMAGE"]
MORE = {
    "kubeflow": [
        "runner.kubeflow.secret_env={petseg-store: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}",
        "runner.kubeflow.image_pull_policy=Always",
    ],
    "vertex": [],
}
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
            settings = load_settings(PROJECT / f"configs/{target}_gpu.yaml", MORE[target])
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


def test_kubernetes_is_told_of_the_gpus_the_secret_and_the_images(kubeflow):
    platform = json_format.ParseDict(kubeflow[1], pipeline_spec_pb2.PlatformSpec())
    told = json_format.MessageToDict(platform.platforms["kubernetes"].deployment_spec)["executors"]
    tolerated = {
        label: executor["tolerations"] for label, executor in told.items() if "tolerations" in executor
    }
    taint = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    assert tolerated == {"Trainer_executor": [taint]}
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    secret = {"secretName": "petseg-store", "keyToEnv": [{"secretKey": key, "envVar": key} for key in keys]}
    for executor in told.values():
        assert executor["secretAsEnv"] == [secret]
        assert executor["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    "setting",
    ["secret_env={s: [A-B]}", "secret_env={s: ['']}", "secret_env=[S]", "image_pull_policy=Sometimes"],
)
def test_what_kubernetes_would_refuse_is_one_line(setting):
    with pytest.raises(UserError, match=r"^runner\.kubeflow\.(secret_env|image_pull_policy)") as caught:
        load_settings(None, [f"runner.kubeflow.{setting}"])
    assert "\n" not in str(caught.value)


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
    # The first sees what is outside, the last changes it.
    assert uncached == {"Observe", "Pusher"}
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


def test_workers_of_dataflow_see_the_artifacts_of_their_nodes(config_variables, tmp_path, monkeypatch):
    """The other nodes work on copies in the pod, Evaluator's Beam among them."""
    monkeypatch.setattr("sys.argv", ["petseg"])
    dataflow = ["engine=dataflow", "project=p", "region=r", "temp_location=gs://b/t", "image=i"]
    overrides = [f"beam.{setting}" for setting in dataflow]
    settings = load_settings(PROJECT / "configs/vertex_gpu.yaml", overrides)
    compile_pipeline(settings, "vertex", tmp_path / "vertex.json")
    spec = json.loads((tmp_path / "vertex.json").read_text())["pipelineSpec"]
    words = {
        label.removesuffix("_executor"): [*executor["container"]["command"], *executor["container"]["args"]]
        for label, executor in spec["deploymentSpec"]["executors"].items()
    }
    by_workers = {"SegmentationExampleGen", "StatisticsGen", "Transform"}
    assert {name for name in words if "--runner=DataflowRunner" in words[name]} == by_workers
    assert {name for name in words if "--in_place" in words[name]} == by_workers
    assert "--direct_running_mode=in_memory" in words["Evaluator"]
    assert not any("gs://b/t" in word for word in words["Evaluator"])
