"""Compiles the DAG for Kubeflow Pipelines."""

import yaml

from pipeline.paths import Paths
from pipeline.runners.compiled import compile_job
from pipeline.settings import PipelineSettings


def compile_kubeflow(settings: PipelineSettings, paths: Paths) -> str:
    """Returns pipeline spec 2.1 in YAML, the same to the byte for the same settings and source."""
    spec = compile_job(settings, paths)["pipelineSpec"]
    # A job says it in its runtime configuration, which this file has not.
    spec["defaultPipelineRoot"] = paths.pipeline_root
    head = f"# PIPELINE DEFINITION\n# Name: {settings.name}\n"
    return head + yaml.safe_dump(spec, sort_keys=True, width=110)
