"""Kubeflow Pipelines as a runner."""

from pathlib import Path

import yaml

from pipeline.paths import Paths
from pipeline.runners.kubeflow.client import KubeflowClient
from pipeline.runners.kubeflow.schedules import KubeflowSchedules
from pipeline.runners.runner import Cluster
from pipeline.settings import PipelineSettings


class Kubeflow(Cluster):
    """Kubeflow Pipelines, which runs pipeline spec 2.1 in YAML."""

    gpu_type_pattern = r".+/.+"
    gpu_type_example = "a resource such as nvidia.com/gpu"

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
