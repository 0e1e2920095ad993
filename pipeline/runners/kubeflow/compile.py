"""Compiles the DAG for Kubeflow Pipelines."""

from typing import Any

import yaml

from pipeline.paths import Paths
from pipeline.runners.pipeline_spec import compile_job
from pipeline.runners.settings import RunnerSettings
from pipeline.settings import PipelineSettings


def compile_kubeflow(settings: PipelineSettings, paths: Paths) -> str:
    """Returns pipeline spec 2.1 in YAML, the same to the byte for the same settings and source.

    Volumes and node selectors are specific to Kubernetes and go into a second YAML document, kfp's platform
    spec.
    """
    spec = compile_job(settings, paths)["pipelineSpec"]
    # A PipelineJob has it in its runtime configuration, which this file does not have.
    spec["defaultPipelineRoot"] = paths.pipeline_root
    platform = _platform(settings.runner, sorted(spec["root"]["dag"]["tasks"]))
    head = f"# PIPELINE DEFINITION\n# Name: {settings.name}\n"
    documents = [spec, platform] if platform else [spec]
    return head + yaml.safe_dump_all(documents, sort_keys=True, width=110)


def _platform(runner: RunnerSettings, nodes: list[str]) -> dict[str, Any]:
    executors = {}
    for name in nodes:
        executor: dict[str, Any] = {}
        if runner.kubeflow.volume_claim:
            executor["pvcMount"] = [
                {"constant": runner.kubeflow.volume_claim, "mountPath": runner.kubeflow.mount_path}
            ]
        if labels := runner.node(name).node_selector:
            executor["nodeSelector"] = {"labels": labels}
        if executor:
            executors[f"{name}_executor"] = executor
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}} if executors else {}
