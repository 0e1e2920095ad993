"""Compiles the DAG for Kubeflow Pipelines."""

import yaml

from pipeline.paths import Paths
from pipeline.runners.kubeflow.folders import NAMESPACE_ROOT
from pipeline.runners.kubeflow.platform_spec import platform_spec
from pipeline.runners.pipeline_spec import compile_job
from pipeline.settings import PipelineSettings


def compile_kubeflow(settings: PipelineSettings, paths: Paths) -> str:
    """Returns pipeline spec 2.1 in YAML, the same to the byte for the same settings and source.

    What is specific to Kubernetes goes into a second YAML document, kfp's platform spec.
    """
    spec = compile_job(settings, paths)["pipelineSpec"]
    # A PipelineJob has it in its runtime configuration, which this file does not have.
    if paths.pipeline_root != NAMESPACE_ROOT:
        spec["defaultPipelineRoot"] = paths.pipeline_root
    nodes = [label.removesuffix("_executor") for label in sorted(spec["deploymentSpec"]["executors"])]
    platform = platform_spec(settings.runner, nodes)
    head = f"# PIPELINE DEFINITION\n# Name: {settings.name}\n"
    documents = [spec, platform] if platform else [spec]
    return head + yaml.safe_dump_all(documents, sort_keys=True, width=110)
