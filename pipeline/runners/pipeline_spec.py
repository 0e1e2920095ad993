"""Compiles the DAG into a pipeline spec that Kubeflow and Vertex share."""

import contextlib
from collections.abc import Iterator
from typing import Any

from kfp.dsl import PIPELINE_JOB_ID_PLACEHOLDER
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.types.artifact import Artifact

from components import artifacts
from pipeline.beam_settings import LOCAL_ENGINES, BeamSettings
from pipeline.nodes import ALL_NODES, task_name
from pipeline.paths import Observed, Paths
from pipeline.pipeline import create_pipeline
from pipeline.runners.kubeflow.executor_input import CLUSTER_KEYS, IN_PLACE
from pipeline.runners.kubeflow.web_outputs import add_web_outputs
from pipeline.runners.observe_task import NODE as OBSERVE
from pipeline.runners.observe_task import add_observe_task, begins_with_files
from pipeline.runners.settings import NodeSettings, RunnerSettings
from pipeline.settings import PipelineSettings
from pipeline.source_hash import source_hash

PipelineJob = dict[str, Any]
"""JSON of kfp.pipeline_spec's PipelineJob."""

STEP_MODULE = "pipeline.runners.kubeflow.step"

BY_WORKERS_ELSEWHERE = ("SegmentationExampleGen", "StatisticsGen", "Transform")
"""Nodes that leave their work to Beam's workers outside the pod, if the engine has some."""

VERDICTS = ("Evaluator", "ServingCheck", "Pusher", "RunReport")
"""Nodes that can refuse a model: each says in an output parameter whether and why."""

RETRY_POLICY = {"backoffDuration": "0s", "backoffFactor": 2.0, "backoffMaxDuration": "2592000s"}
"""Without a longest duration Kubeflow tells Argo 0. Argo counts from the start of the first try."""


def compile_job(settings: PipelineSettings, paths: Paths) -> PipelineJob:
    """Compiles the DAG to a PipelineJob with pipeline spec 2.1.

    No process of this project runs before a cluster's run, so its first task looks at data and production,
    and the run id is a placeholder that the cluster fills in.

    Args:
        settings: With `runner.image`.
        paths: Folders as the steps see them.
    """
    dag = create_pipeline(
        settings,
        paths,
        Observed(run_id=PIPELINE_JOB_ID_PLACEHOLDER),
        beam_pipeline_args=settings.beam.pipeline_args,
    )
    images = {name: settings.runner.node(name).image or settings.runner.image for name in ALL_NODES}
    config = KubeflowV2DagRunnerConfig(
        default_image=images, default_commands=["python", "-m", STEP_MODULE], use_pipeline_spec_2_1=True
    )
    with _importable_type_names(dag.components):
        job = KubeflowV2DagRunner(config=config).run(dag, write_out=False)
    spec = job["pipelineSpec"]
    _identify_steps(spec, paths.pipeline_root)
    if settings.beam.engine not in LOCAL_ENGINES:
        _place_beam(spec, settings.beam)
    _rename_outputs(spec)
    _add_outputs(spec)
    add_observe_task(spec, settings, paths.push_directory)
    _ask_for_resources(spec, settings.runner, _uncached(settings))
    _rename_tasks(spec)
    return job


def _uncached(settings: PipelineSettings) -> set[str]:
    """Nodes that see or change what is outside the pipeline: a cluster must not reuse their results."""
    # Tuner's properties are one JSON string, in which no output of Observe can stand.
    return {OBSERVE, "Pusher", *(("Tuner",) if begins_with_files(settings) else ())}


@contextlib.contextmanager
def _importable_type_names(nodes: list[BaseComponent]) -> Iterator[None]:
    """Names this project's artifact types as a step can import them, while compiling only.

    Local runs record the types in ML Metadata by their short names, which must stay.
    """
    types: set[type[Artifact]] = {
        channel.type
        for node in nodes
        for channel in node.outputs.values()
        if channel.type.__module__ == artifacts.__name__
    }
    short_names = {artifact_type: artifact_type.TYPE_NAME for artifact_type in types}
    try:
        for artifact_type in types:
            artifact_type.TYPE_NAME = f"{artifacts.__package__}.{artifact_type.__name__}"
        yield
    finally:
        for artifact_type, name in short_names.items():
            artifact_type.TYPE_NAME = name


def _identify_steps(spec: dict[str, Any], root: str) -> None:
    """Puts into each command what a cluster's cache should compare beside it: the root, and the step's
    source.

    A result cached under another root may not be readable from this one.
    """
    code = source_hash(STEP_MODULE)
    for name in spec["root"]["dag"]["tasks"]:
        container = spec["deploymentSpec"]["executors"][f"{name}_executor"]["container"]
        container["command"] += ["--node", name, f"--root={root}", f"--code={code}"]


def _place_beam(spec: dict[str, Any], beam: BeamSettings) -> None:
    """Lets workers outside the pod read and write artifacts where these are; other nodes work in the pod.

    Those read as files what their workers wrote.
    """
    here, elsewhere = BeamSettings().pipeline_args, beam.pipeline_args
    for name in spec["root"]["dag"]["tasks"]:
        container = spec["deploymentSpec"]["executors"][f"{name}_executor"]["container"]
        if name in BY_WORKERS_ELSEWHERE:
            container["command"].append(IN_PLACE)
        elif not set(elsewhere).isdisjoint(container["args"]):
            container["args"] = [word for word in container["args"] if word not in elsewhere] + here


def _rename_outputs(spec: dict[str, Any]) -> None:
    for component in spec["components"].values():
        artifacts = component.get("outputDefinitions", {}).get("artifacts", {})
        for key in CLUSTER_KEYS.keys() & artifacts.keys():
            artifacts[CLUSTER_KEYS[key]] = artifacts.pop(key)
    for task in spec["root"]["dag"]["tasks"].values():
        for artifact in task.get("inputs", {}).get("artifacts", {}).values():
            output = artifact["taskOutputArtifact"]
            output["outputArtifactKey"] = CLUSTER_KEYS.get(
                output["outputArtifactKey"], output["outputArtifactKey"]
            )


def _add_outputs(spec: dict[str, Any]) -> None:
    """Adds what the cluster's web pages show and TFX does not know."""
    for name, component in spec["components"].items():
        if name in VERDICTS:
            parameters = component["outputDefinitions"].setdefault("parameters", {})
            parameters["verdict"] = {"parameterType": "STRING"}
    add_web_outputs(spec["components"]["RunReport"])


def _rename_tasks(spec: dict[str, Any]) -> None:
    dag = spec["root"]["dag"]
    dag["tasks"] = {task_name(name): task for name, task in dag["tasks"].items()}
    for name, task in dag["tasks"].items():
        task["taskInfo"]["name"] = name
        task["dependentTasks"] = sorted(task_name(node) for node in task.get("dependentTasks", []))
        inputs = task.get("inputs", {})
        for value in (*inputs.get("artifacts", {}).values(), *inputs.get("parameters", {}).values()):
            for source in ("taskOutputArtifact", "taskOutputParameter"):
                if source in value:
                    value[source]["producerTask"] = task_name(value[source]["producerTask"])


def _ask_for_resources(spec: dict[str, Any], runner: RunnerSettings, uncached: set[str]) -> None:
    for name, task in spec["root"]["dag"]["tasks"].items():
        # Observe does a part of the work of the node that reads the data.
        node = runner.node("SegmentationExampleGen" if name == OBSERVE else name)
        task["cachingOptions"] = {"enableCache": node.cache and name not in uncached}
        if node.retries:
            task["retryPolicy"] = {"maxRetryCount": node.retries, **RETRY_POLICY}
        container = spec["deploymentSpec"]["executors"][f"{name}_executor"]["container"]
        if node.timeout_seconds:
            # The spec has no timeout that both clusters obey, and the image has coreutils' command.
            container["command"] = [
                "timeout",
                "--kill-after=60",
                str(node.timeout_seconds),
                *container["command"],
            ]
        if resources := _resources(node):
            container["resources"] = resources


def _resources(node: NodeSettings) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    if node.cpu:
        resources["cpuLimit"] = node.cpu
    if node.memory_gb:
        resources["memoryLimit"] = node.memory_gb
    if node.gpus:
        # A 64-bit number is a string in protobuf's JSON.
        resources["accelerator"] = {"type": node.gpu_type, "count": str(node.gpus)}
    return resources
