"""Compiles the DAG for Vertex Pipelines."""

import json

from pipeline.paths import Paths
from pipeline.runners.pipeline_spec import compile_job
from pipeline.settings import PipelineSettings


def compile_vertex(settings: PipelineSettings, paths: Paths) -> str:
    """Returns a PipelineJob in JSON, the same to the byte for the same settings and source."""
    return json.dumps(compile_job(settings, paths), sort_keys=True, indent=1) + "\n"
