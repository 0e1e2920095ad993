"""Schedules on Kubeflow and Vertex: which client, and what is compiled for it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.runners.compiled_file import Target, compile_pipeline
from pipeline.runners.kubeflow.schedules import KubeflowSchedules
from pipeline.runners.vertex.schedules import VertexSchedules
from pipeline.runs.run_log import quietly
from pipeline.settings import PipelineSettings

CLUSTERS: dict[Target, type[KubeflowSchedules] | type[VertexSchedules]] = {
    "kubeflow": KubeflowSchedules,
    "vertex": VertexSchedules,
}


def add_to_cluster(settings: PipelineSettings, target: Target, name: str, cron: str) -> str:
    """Compiles the pipeline and has a cluster run it by the clock; returns where that can be watched.

    Args:
        settings: With `runner.kubeflow` or `runner.vertex`, and all that compiling needs.
        target: The cluster.
        name: Of the schedule.
        cron: Crontab expression, UTC.

    Raises:
        UserError: A setting is missing, the cluster cannot be reached, or refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        with quietly():
            cluster = CLUSTERS[target](settings)
        # kfp's client takes no file whose name ends otherwise.
        file = Path(folder) / "pipeline.yaml"
        compile_pipeline(settings, target, file)
        with quietly():
            return cluster.add(name, cron, file)


@contextmanager
def cluster_schedules(
    settings: PipelineSettings, target: Target
) -> Iterator[KubeflowSchedules | VertexSchedules]:
    """The schedules that a cluster keeps; what its client prints on its own account is not shown.

    Raises:
        UserError: A setting is missing, the cluster cannot be reached, or refuses.
    """
    with quietly():
        yield CLUSTERS[target](settings)
