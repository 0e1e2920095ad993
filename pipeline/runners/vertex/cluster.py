"""Vertex AI Pipelines as a runner."""

import json
from pathlib import Path

from petseg.errors import UserError
from pipeline.beam_settings import LOCAL_ENGINES
from pipeline.paths import Paths, push_directory
from pipeline.runners.reach import Reach
from pipeline.runners.runner import Cluster
from pipeline.runners.vertex.client import VertexClient
from pipeline.runners.vertex.schedules import VertexSchedules
from pipeline.settings import PipelineSettings


class Vertex(Cluster):
    """Vertex AI Pipelines, which runs a PipelineJob in JSON."""

    gpu_type_pattern = r"[^/]+"
    gpu_type_example = "a type such as NVIDIA_TESLA_T4"

    def reach(self, settings: PipelineSettings) -> Reach:
        """The buckets, which Vertex mounts in each step."""
        return Reach(
            folder="/gcs",
            folder_comes_from="copy it to a bucket and name it as /gcs/BUCKET/...",
            engines=(*LOCAL_ENGINES, "portable", "dataflow"),
            why_no_others="the others start a job server in Java, which the image does not have",
        )

    def paths(self, settings: PipelineSettings) -> Paths:
        """Everything lies in `runner.pipeline_root`: Vertex keeps artifacts on Google's store only.

        What outlives a node are files, not artifacts: the steps see the bucket as a folder.
        """
        root = (settings.runner.pipeline_root or "").rstrip("/")
        if not root.startswith("gs://"):
            raise UserError(
                "runner.pipeline_root must be gs://bucket/folder on vertex; received "
                f"{settings.runner.pipeline_root}"
            )
        pushed = settings.push.directory or push_directory(root)
        return Paths(root, push_directory=pushed, work=f"/gcs/{root.removeprefix('gs://')}")

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
