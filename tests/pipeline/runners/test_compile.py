"""Compiling for clusters: what the file holds, and what it must not hold."""

import json
import re
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from pipeline.nodes import NODES, task_name
from pipeline.paths import Paths
from pipeline.runners.pipeline_spec import compile_job
from pipeline.runners.registry import find_cluster
from pipeline.settings import load_settings
from tests.conftest import PROJECT, petseg
from tests.pipeline.conftest import SECRET, compiled


@pytest.fixture(scope="module")
def kubeflow_documents(kubeflow_file) -> list[dict]:
    return list(yaml.safe_load_all(kubeflow_file.read_text()))


@pytest.fixture(scope="module")
def kubeflow(kubeflow_documents) -> kfp.PipelineSpec:
    return json_format.ParseDict(kubeflow_documents[0], kfp.PipelineSpec())


@pytest.fixture(scope="module")
def vertex(vertex_file) -> kfp.PipelineJob:
    return json_format.Parse(vertex_file.read_text(), kfp.PipelineJob())


@pytest.fixture(scope="module", params=["kubeflow", "vertex"])
def spec(request, kubeflow, vertex) -> kfp.PipelineSpec:
    """What both clusters are told, one after the other."""
    if request.param == "kubeflow":
        return kubeflow
    return json_format.ParseDict(json_format.MessageToDict(vertex.pipeline_spec), kfp.PipelineSpec())


def deployment(spec: kfp.PipelineSpec) -> kfp.PipelineDeploymentConfig:
    return json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec), kfp.PipelineDeploymentConfig()
    )


def container(spec: kfp.PipelineSpec, name: str) -> kfp.PipelineDeploymentConfig.PipelineContainerSpec:
    return deployment(spec).executors[f"{name}_executor"].container


def test_the_file_is_a_valid_pipeline_of_all_nodes(spec):
    assert spec.schema_version == "2.1.0"
    assert set(spec.root.dag.tasks) == {"observe", *(task_name(node) for node in NODES)}


def test_tasks_have_names_that_kubernetes_takes_in_pods(spec):
    """Kubeflow 2.5 names the pods of a task with retries after it."""
    tasks = spec.root.dag.tasks
    for name, task in tasks.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
        assert task.task_info.name == name
        producers = {
            artifact.task_output_artifact.producer_task for artifact in task.inputs.artifacts.values()
        } | {
            parameter.task_output_parameter.producer_task
            for parameter in task.inputs.parameters.values()
            if parameter.HasField("task_output_parameter")
        }
        assert producers <= set(task.dependent_tasks) <= set(tasks)


def test_the_artifacts_go_where_the_settings_say(kubeflow, vertex):
    assert kubeflow.default_pipeline_root == "gs://bucket/petseg"
    assert vertex.runtime_config.gcs_output_directory == "gs://bucket/petseg"


def test_the_file_holds_only_what_the_open_source_backend_runs(spec):
    for name, executor in deployment(spec).executors.items():
        assert executor.WhichOneof("spec") == "container", name
        assert not executor.container.HasField("lifecycle"), name
    assert "InfraValidator" not in str(spec)


def test_tasks_that_see_or_change_the_outside_world_are_never_cached(spec):
    uncached = {name for name, task in spec.root.dag.tasks.items() if not task.caching_options.enable_cache}
    assert uncached == {"observe", "pusher", "evaluator"}


def test_the_run_is_named_by_the_cluster_and_the_outside_observed_there(spec):
    tasks = spec.root.dag.tasks
    run_id = tasks["run-report"].inputs.parameters["run"].runtime_value.constant.string_value
    assert run_id == "{{$.pipeline_job_uuid}}"
    observed = {
        ("segmentation-example-gen", "fingerprint"): "fingerprint",
        ("production-model", "version"): "production_version",
    }
    for (task, name), key in observed.items():
        source = tasks[task].inputs.parameters[name].task_output_parameter
        assert (source.producer_task, source.output_parameter_key) == ("observe", key)
    # Training begins with no file here.
    assert not tasks["trainer"].inputs.parameters["warm_start"].HasField("task_output_parameter")
    for node in ("evaluator", "run-report"):
        baseline = tasks[node].inputs.artifacts["baseline_model"].task_output_artifact
        assert baseline.producer_task == "production-model"


def test_retries_and_images_are_those_of_the_node(spec):
    asked = {
        node: (spec.root.dag.tasks[task_name(node)].retry_policy.max_retry_count, container(spec, node).image)
        for node in NODES
    }
    plain = dict.fromkeys(NODES, (0, "petseg:cpu"))
    assert asked == {**plain, "Trainer": (2, "petseg:cuda"), "Pusher": (1, "petseg:pusher")}


def test_retries_have_30_days_from_the_first_try(spec):
    """Without a longest duration, Kubeflow 2.14 and later tell Argo 0, and no try is the second."""
    policy = spec.root.dag.tasks["trainer"].retry_policy
    assert policy.backoff_max_duration.ToSeconds() == 30 * 24 * 3600
    assert (policy.backoff_duration.ToSeconds(), policy.backoff_factor) == (0, 2)
    assert not spec.root.dag.tasks["transform"].HasField("retry_policy")


def test_the_clusters_pages_show_report_metrics_and_verdicts(spec):
    report = spec.components["RunReport"].output_definitions
    titles = {key: artifact.artifact_type.schema_title for key, artifact in report.artifacts.items()}
    assert titles == {"report": "", "html": "system.HTML", "metrics": "system.Metrics"}
    said = {name for name, each in spec.components.items() if "verdict" in each.output_definitions.parameters}
    assert said == {"Evaluator", "ServingCheck", "Pusher", "RunReport"}


def test_a_step_is_identified_by_root_and_source_of_its_command(spec):
    """Else a cluster's cache would take results from another root, which may not be readable here."""
    command = list(container(spec, "ImportSchemaGen").command)
    assert command[:5] == ["python", "-m", "pipeline.runners.kubeflow.step", "--node", "ImportSchemaGen"]
    assert command[5] == "--root=gs://bucket/petseg"
    assert re.fullmatch(r"--code=[0-9a-f]{64}", command[6])


def test_the_tuner_has_an_image_too():
    settings = load_settings(
        PROJECT / "configs/demo.yaml",
        ["tuner.enabled=true", "runner.image=petseg:cpu", "runner.nodes.Tuner.image=petseg:cuda"],
    )
    spec = compile_job(settings, Paths("gs://bucket/root", "/pushed", "/work"))["pipelineSpec"]
    executors = spec["deploymentSpec"]["executors"]
    images = {name.removesuffix("_executor"): each["container"]["image"] for name, each in executors.items()}
    assert images == {**dict.fromkeys(images, "petseg:cpu"), "Tuner": "petseg:cuda"}


def test_cores_memory_gpus_and_time_are_those_of_the_node(spec, kubeflow):
    trainer = container(spec, "Trainer")
    assert (trainer.resources.cpu_limit, trainer.resources.memory_limit) == (4, 15.5)
    gpu = "nvidia.com/gpu" if spec is kubeflow else "NVIDIA_TESLA_T4"
    assert (trainer.resources.accelerator.type, trainer.resources.accelerator.count) == (gpu, 2)
    assert list(trainer.command[:4]) == ["timeout", "--kill-after=60", "7200", "python"]
    for name in set(NODES) - {"Trainer"}:
        other = container(spec, name)
        assert not other.HasField("resources"), name
        assert other.command[0] == "python", name


def test_no_input_brings_another_output_with_it(spec):
    """A launcher before 2.17 downloads all whose name begins with an input's."""
    for component in spec.components.values():
        keys = [*component.output_definitions.artifacts, "executor-logs"]
        assert [(a, b) for a in keys for b in keys if a != b and b.startswith(a)] == []
    source = spec.root.dag.tasks["run-report"].inputs.artifacts["model_run"].task_output_artifact
    assert source.output_artifact_key in spec.components["Trainer"].output_definitions.artifacts


def test_arguments_of_beam_reach_every_step(spec):
    for name in ("SegmentationExampleGen", "StatisticsGen", "Transform", "Evaluator"):
        args = list(container(spec, name).args)
        for expected in load_settings(None).beam.pipeline_args:
            assert expected in args


def test_kubernetes_is_told_of_the_volume_and_the_machines(kubeflow_documents, kubeflow):
    platform = json_format.ParseDict(kubeflow_documents[1], kfp.PlatformSpec())
    told = json_format.MessageToDict(platform.platforms["kubernetes"].deployment_spec)["executors"]
    mount = [{"constant": "petseg-data", "mountPath": "/petseg"}]
    assert set(told) == set(deployment(kubeflow).executors)
    assert all(executor["pvcMount"] == mount for executor in told.values())
    assert {name for name, executor in told.items() if "nodeSelector" in executor} == {"Trainer_executor"}
    assert told["Trainer_executor"]["nodeSelector"] == {"labels": {"accelerator": "h100"}}
    shared_memory = [{"volumeName": "shm", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": "2Gi"}]
    assert told["Trainer_executor"]["emptyDirMounts"] == shared_memory
    assert not any("emptyDirMounts" in told[f"{node}_executor"] for node in NODES if node != "Trainer")


def test_another_process_compiles_the_same(kubeflow_documents, vertex_file):
    """The two files come from processes that hash in different orders."""
    kubeflow_spec = dict(kubeflow_documents[0])
    job = json.loads(vertex_file.read_text())
    assert kubeflow_spec.pop("defaultPipelineRoot") == job["runtimeConfig"]["gcsOutputDirectory"]
    both = []
    for one in (kubeflow_spec, job["pipelineSpec"]):
        executors = one["deploymentSpec"]["executors"]
        assert executors["Trainer_executor"]["container"]["resources"].pop("accelerator")
        # The settings in the report name the GPU's type, and the two work folders differ.
        for task, key in (
            ("run-report", "settings"),
            ("trainer", "checkpoints"),
            ("evaluator", "known_counts"),
        ):
            assert one["root"]["dag"]["tasks"][task]["inputs"]["parameters"].pop(key)
        both.append(json.dumps(one))
    assert json.loads(both[0]) == json.loads(both[1])


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(kubeflow_file, vertex_file, tmp_path):
    assert compiled(tmp_path, "kubeflow", 3).read_bytes() == kubeflow_file.read_bytes()
    assert compiled(tmp_path, "vertex", 3).read_bytes() == vertex_file.read_bytes()


def test_no_secret_and_no_path_of_this_machine_is_in_the_files(kubeflow_file, vertex_file):
    for text in (kubeflow_file.read_text(), vertex_file.read_text()):
        for word in (SECRET, str(PROJECT), str(Path.home()) + "/", str(kubeflow_file.parent)):
            assert word not in text


def test_types_of_our_own_are_named_as_a_step_imports_them(kubeflow):
    from tfx.utils import import_utils

    from components.artifacts import DataReport

    artifact = kubeflow.components["SegmentationExampleGen"].output_definitions.artifacts["data_report"]
    title = yaml.safe_load(artifact.artifact_type.instance_schema)["title"]
    assert import_utils.import_class_by_path(title) is DataReport
    assert DataReport.TYPE_NAME == "DataReport"


IMAGE = ["data.path=/d", "runner.image=i"]
CLAIM = [*IMAGE, "runner.kubeflow.volume_claim=c"]
COMPLETE = [*CLAIM, "runner.pipeline_root=minio://b/r"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], ["data.path is not set"]),
        (["data.path=/d"], ["runner.image is not set"]),
        (
            [*CLAIM, "runner.pipeline_root=/petseg/root"],
            ["runner.pipeline_root must be minio://", "/petseg/root"],
        ),
        ([*CLAIM, "runner.pipeline_root=hdfs://b/r"], ["runner.pipeline_root", "or null", "hdfs://b/r"]),
        ([*CLAIM, "runner.pipeline_root=gs://"], ["runner.pipeline_root", "received gs://"]),
        (IMAGE, ["push.directory must be s3://", "runner.kubeflow.volume_claim"]),
        ([*IMAGE, "push.directory=/petseg/m"], ["push.directory must be s3://", "received /petseg/m"]),
        (
            [*CLAIM, "runner.kubeflow.work_folder=/other"],
            ["runner.kubeflow.work_folder", "/petseg", "/other"],
        ),
        ([*COMPLETE, "push.directory=models"], ["push.directory", "mount"]),
        ([*COMPLETE, "push.directory=ftp://b/m"], ["push.directory must begin with s3:// or gs://"]),
        ([*COMPLETE, "data.path=hdfs://b/d"], ["data.path must begin with s3:// or gs://"]),
        (["runner.nodes.Trainr.cpu=1"], ["Trainr", "did you mean Trainer?"]),
        (["runner.nodes.Trainer.cpu=0"], ["runner.nodes.Trainer.cpu", "received 0"]),
        (["runner.nodes.Trainer.gpus=1"], ["gpu_type and gpus must be given together"]),
        (["runner.nodes.Trainer.gpu=1"], ["unknown setting runner.nodes.Trainer.gpu"]),
        (
            ["runner.nodes.Trainer={gpus: 1, gpu_type: NVIDIA_TESLA_T4}", *COMPLETE],
            ["runner.nodes.Trainer.gpu_type", "nvidia.com/gpu", "NVIDIA_TESLA_T4"],
        ),
        (["data.path=/d/${MY_DATABASE_PASSWORD}"], ["MY_DATABASE_PASSWORD", "secret"]),
        (["data.path=$AWS_SECRET_ACCESS_KEY"], ["AWS_SECRET_ACCESS_KEY", "secret"]),
    ],
)
def test_what_no_cluster_could_run_is_refused_in_one_line(settings, words, tmp_path):
    file = tmp_path / "pipeline.yaml"
    overrides = [part for setting in settings for part in ("--set", setting)]
    done = petseg(
        "compile", "--target", "kubeflow", "--output", file, *overrides, MY_DATABASE_PASSWORD=SECRET
    )
    assert done.status == 2
    assert SECRET not in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert not file.exists()


@pytest.mark.parametrize("root", ["/petseg/root", "s3://b/r", "null"])
def test_vertex_takes_roots_on_googles_store_only(root, tmp_path):
    file = tmp_path / "pipeline.json"
    settings = [part for setting in IMAGE for part in ("--set", setting)]
    root_setting = ["--set", f"runner.pipeline_root={root}"]
    done = petseg("compile", "--target", "vertex", "--output", file, *settings, *root_setting)
    assert done.status == 2
    assert done.stderr.startswith(
        "error: runner.pipeline_root must be gs://bucket/folder on vertex; received "
    )
    assert done.stderr.count("\n") == 1
    assert not file.exists()


def folders(*settings: str) -> Paths:
    overrides = ["name=pets", "push.directory=null", *settings]
    return find_cluster("kubeflow").paths(load_settings(None, overrides))


def test_what_outlives_a_step_lies_on_the_claimed_volume():
    claim = "runner.kubeflow.volume_claim=petseg"
    for root in ("minio://b/r", "s3://b/r", "gs://b/r"):
        paths = folders(claim, f"runner.pipeline_root={root}/")
        assert paths == Paths(root, push_directory="/petseg/pets/serving_model", work="/petseg/pets")
    assert folders(claim).pipeline_root == ""
    elsewhere = folders(claim, "runner.kubeflow.mount_path=/mnt", "runner.kubeflow.work_folder=/mnt/a/b")
    assert (elsewhere.work, elsewhere.checkpoints) == ("/mnt/a/b", "/mnt/a/b/checkpoints")


def test_on_vertex_what_outlives_a_step_lies_in_the_mounted_bucket():
    settings = load_settings(None, ["name=pets", "push.directory=null", "runner.pipeline_root=gs://b/r/"])
    paths = find_cluster("vertex").paths(settings)
    assert paths == Paths("gs://b/r", push_directory="gs://b/r/serving_model", work="/gcs/b/r")


def test_without_a_claim_only_a_store_keeps_what_is_pushed():
    paths = folders("push.directory=s3://b/models")
    assert paths == Paths("", push_directory="s3://b/models", work="/tmp/petseg/pets")


def test_nothing_is_left_beside_the_file(kubeflow_file):
    assert [path.name for path in kubeflow_file.parent.glob(".*")] == []
