"""Compiling for clusters: what the file holds, and what it must not hold."""

import json
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from pipeline.nodes import NODES
from tests.conftest import PROJECT, petseg

SECRET = "not-for-the-file-7c1b"
BASE = [
    "--set", "data.path=/petseg/data",
    "--set", "runner.image=petseg:cpu",
    "--set", "runner.nodes.Trainer={image: petseg:cuda, cpu: 4, memory_gb: 15.5, gpu_type: nvidia.com/gpu, "
    "gpus: 1, retries: 2, timeout_seconds: 7200}",
    "--set", "runner.nodes.Evaluator.cache=false",
]  # fmt: skip
LOCAL_ROOT = ["--set", "runner.pipeline_root=/petseg/pipeline_root"]
BUCKET = ["--set", "runner.pipeline_root=gs://bucket/petseg", "--set", "push.directory=/petseg/serving_model"]


def compiled(folder: Path, target: str, root: list[str], hash_seed: int) -> Path:
    file = folder / f"{target}_{hash_seed}"
    environment = {"PYTHONHASHSEED": str(hash_seed), "AWS_SECRET_ACCESS_KEY": SECRET}
    done = petseg("compile", "--target", target, "--output", file, *BASE, *root, **environment)
    assert done.status == 0, done.stderr
    assert done.stdout == f"pipeline for {target} in {file}\n"
    assert done.stderr == ""
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def kubeflow_file(folder):
    return compiled(folder, "kubeflow", LOCAL_ROOT, 1)


@pytest.fixture(scope="module")
def vertex_file(folder):
    return compiled(folder, "vertex", BUCKET, 1)


@pytest.fixture(scope="module")
def kubeflow(kubeflow_file) -> kfp.PipelineSpec:
    return json_format.ParseDict(yaml.safe_load(kubeflow_file.read_text()), kfp.PipelineSpec())


@pytest.fixture(scope="module")
def vertex(vertex_file) -> kfp.PipelineJob:
    return json_format.Parse(vertex_file.read_text(), kfp.PipelineJob())


def deployment(spec: kfp.PipelineSpec) -> kfp.PipelineDeploymentConfig:
    return json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec), kfp.PipelineDeploymentConfig()
    )


def test_both_files_are_valid_pipelines_of_all_nodes(kubeflow, vertex):
    inner = json_format.ParseDict(json_format.MessageToDict(vertex.pipeline_spec), kfp.PipelineSpec())
    for spec in (kubeflow, inner):
        assert spec.schema_version == "2.1.0"
        assert set(spec.root.dag.tasks) == set(NODES)
    assert kubeflow.default_pipeline_root == "/petseg/pipeline_root"
    assert vertex.runtime_config.gcs_output_directory == "gs://bucket/petseg"


def test_kubeflow_gets_only_what_its_open_source_backend_runs(kubeflow):
    for name, executor in deployment(kubeflow).executors.items():
        assert executor.WhichOneof("spec") == "container", name
        assert not executor.container.HasField("lifecycle"), name


def test_nodes_that_look_at_the_outside_world_are_never_cached(kubeflow):
    uncached = {
        name for name, task in kubeflow.root.dag.tasks.items() if not task.caching_options.enable_cache
    }
    assert uncached == {"SegmentationExampleGen", "ProductionModel", "Evaluator"}


def test_the_run_is_named_by_the_cluster_and_production_looked_up_there(kubeflow):
    tasks = kubeflow.root.dag.tasks
    run_id = tasks["RunReport"].inputs.parameters["run_id"].runtime_value.constant.string_value
    assert run_id == "{{$.pipeline_job_uuid}}"
    version = tasks["ProductionModel"].inputs.parameters["version"].runtime_value.constant.string_value
    assert version == "latest"


def test_what_a_node_asks_for_survives(kubeflow):
    task = kubeflow.root.dag.tasks["Trainer"]
    container = deployment(kubeflow).executors["Trainer_executor"].container
    assert task.retry_policy.max_retry_count == 2
    assert container.image == "petseg:cuda"
    assert (container.resources.cpu_limit, container.resources.memory_limit) == (4, 15.5)
    accelerator = container.resources.accelerator
    assert (accelerator.type, accelerator.count) == ("nvidia.com/gpu", 1)
    assert list(container.command[:3]) == ["timeout", "--kill-after=60", "7200"]
    other = deployment(kubeflow).executors["Pusher_executor"].container
    assert other.image == "petseg:cpu"
    assert other.command[0] == "python"
    assert not other.HasField("resources")


def test_another_process_writes_the_same_bytes(kubeflow_file, vertex_file, folder):
    assert compiled(folder, "kubeflow", LOCAL_ROOT, 2).read_bytes() == kubeflow_file.read_bytes()
    assert compiled(folder, "vertex", BUCKET, 2).read_bytes() == vertex_file.read_bytes()


def test_no_secret_and_no_path_of_this_machine_is_in_the_files(kubeflow_file, vertex_file, folder):
    for text in (kubeflow_file.read_text(), vertex_file.read_text()):
        for word in (SECRET, str(PROJECT), str(Path.home()) + "/", str(folder)):
            assert word not in text


def test_types_of_our_own_are_named_as_a_step_imports_them(kubeflow):
    from tfx.utils import import_utils

    from components.artifacts import DataReport

    artifact = kubeflow.components["SegmentationExampleGen"].output_definitions.artifacts["data_report"]
    title = yaml.safe_load(artifact.artifact_type.instance_schema)["title"]
    assert import_utils.import_class_by_path(title) is DataReport
    assert DataReport.TYPE_NAME == "DataReport"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], ["data.path is not set"]),
        (["data.path=/d"], ["runner.image is not set"]),
        (["data.path=/d", "runner.image=i"], ["runner.pipeline_root is not set", "gs://"]),
        (
            ["data.path=/d", "runner.image=i", "runner.pipeline_root=s3://b/r"],
            ["no S3 filesystem", "s3://b/r"],
        ),
        (["data.path=/d", "runner.image=i", "runner.pipeline_root=hdfs://b/r"], ["hdfs://b/r"]),
        (["data.path=/d", "runner.image=i", "runner.pipeline_root=runs/r"], ["absolute", "runs/r"]),
        (["data.path=/d", "runner.image=i", "runner.pipeline_root=gs://b/r"], ["push.directory", "mount"]),
        (["runner.nodes.Trainr.cpu=1"], ["Trainr", "did you mean Trainer?"]),
        (["runner.nodes.Trainer.cpu=0"], ["runner.nodes.Trainer.cpu", "received 0"]),
        (["runner.nodes.Trainer.gpus=1"], ["gpu_type and gpus must be given together"]),
        (["runner.nodes.Trainer.gpu=1"], ["unknown setting runner.nodes.Trainer.gpu"]),
    ],
)
def test_what_no_cluster_could_run_is_refused_in_one_line(settings, words, tmp_path):
    file = tmp_path / "pipeline.yaml"
    overrides = [part for setting in settings for part in ("--set", setting)]
    done = petseg("compile", "--target", "kubeflow", "--output", file, *overrides)
    assert done.status == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert not file.exists()


def test_a_file_that_is_there_is_replaced_whole(kubeflow_file):
    assert [path.name for path in kubeflow_file.parent.glob(".*")] == []
    assert json.dumps(yaml.safe_load(kubeflow_file.read_text()))
