"""Kubeflow Pipelines as a runner."""

import os
from collections.abc import Iterator
from pathlib import Path

import yaml

from pipeline.beam_settings import LOCAL_ENGINES
from pipeline.paths import Paths
from pipeline.runners.kubeflow.client import KubeflowClient
from pipeline.runners.kubeflow.folders import kubeflow_paths
from pipeline.runners.kubeflow.schedules import KubeflowSchedules
from pipeline.runners.reach import Reach
from pipeline.runners.runner import Cluster
from pipeline.settings import PipelineSettings


class Kubeflow(Cluster):
    """Kubeflow Pipelines, which runs pipeline spec 2.1 in YAML."""

    gpu_type_pattern = r".+/.+"
    gpu_type_example = "a resource such as nvidia.com/gpu"

    def reach(self, settings: PipelineSettings) -> Reach:
        """The claimed volume, and the launcher's copies of artifacts in the pod itself."""
        kubeflow = settings.runner.kubeflow
        return Reach(
            folder=os.path.normpath(kubeflow.mount_path) if kubeflow.volume_claim else None,
            folder_comes_from="copy it to the volume that runner.kubeflow.volume_claim names, which is "
            f"mounted at {kubeflow.mount_path}",
            engines=LOCAL_ENGINES,
            why_no_others="workers outside the pod cannot read its copies of the artifacts",
        )

    def warnings(self, settings: PipelineSettings) -> Iterator[str]:
        """Yields what only Kubeflow does."""
        if not settings.runner.kubeflow.volume_claim:
            yield (
                "runner.kubeflow.volume_claim is not set: checkpoints stay in Trainer's pod, and a lost pod "
                "trains anew"
            )
        on_s3 = [
            key
            for key, path in (("data.path", settings.data.path), ("push.directory", settings.push.directory))
            if (path or "").startswith("s3://")
        ]
        if on_s3 and not settings.runner.kubeflow.secret_env:
            yield (
                f"{on_s3[0]} is on s3://, and runner.kubeflow.secret_env names no Secret: the steps' account "
                "needs a role that may use the store"
            )

    def paths(self, settings: PipelineSettings) -> Paths:
        """Artifacts lie on an object store, everything else on the claimed volume."""
        return kubeflow_paths(settings)

    def compile(self, settings: PipelineSettings, paths: Paths) -> str:
        """Returns the pipeline spec in YAML."""
        from pipeline.runners.kubeflow.compile import compile_kubeflow

        return compile_kubeflow(settings, paths)

    def is_compiled(self, text: str) -> bool:
        """Whether a text is a pipeline spec in YAML."""
        try:
            spec = next(yaml.safe_load_all(text), None)
        except yaml.YAMLError as error:
            raise ValueError("not YAML") from error
        return isinstance(spec, dict) and "pipelineInfo" in spec

    def connect(self, settings: PipelineSettings) -> KubeflowClient:
        """Connects to `runner.kubeflow.host`."""
        return KubeflowClient(settings)

    def schedules(self, settings: PipelineSettings, store: Path) -> KubeflowSchedules:
        """The recurring runs of the namespace."""
        return KubeflowSchedules(settings)
