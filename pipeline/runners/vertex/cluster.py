"""Vertex AI Pipelines as a runner."""

import json
from pathlib import Path

from pipeline.paths import Paths
from pipeline.runners.runner import Cluster
from pipeline.runners.vertex.client import VertexClient
from pipeline.runners.vertex.schedules import VertexSchedules
from pipeline.settings import PipelineSettings


class Vertex(Cluster):
    """Vertex AI Pipelines, which runs a PipelineJob in JSON."""

    gpu_type_pattern = r"[^/]+"
    gpu_type_example = "a type such as NVIDIA_TESLA_T4"

    def compile(self, settings: PipelineSettings, paths: Paths) -> str:
        """Returns the PipelineJob in JSON."""
        from pipeline.runners.vertex.compile import compile_vertex

        return compile_vertex(settings, paths)

    def is_compiled(self, text: str) -> bool:
        """Whether a text is a PipelineJob in JSON."""
        job = json.loads(text)
        return isinstance(job, dict) and "pipelineSpec" in job

    def connect(self, settings: PipelineSettings) -> VertexClient:
        """Connects to `runner.vertex.project` in `runner.vertex.region`."""
        return VertexClient(settings)

    def schedules(self, settings: PipelineSettings, store: Path) -> VertexSchedules:
        """The schedules of the project in the region."""
        return VertexSchedules(settings)
