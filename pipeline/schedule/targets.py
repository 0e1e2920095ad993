"""Where schedules are kept: on this machine, or on a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.runners.kubeflow.schedules import KubeflowSchedules
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.runners.vertex.schedules import VertexSchedules
from pipeline.schedule.cluster_schedules import cluster_schedules
from pipeline.schedule.creation import Target
from pipeline.settings import load_settings


@contextmanager
def schedules_at(
    target: Target, store: Path, config: Path | None, overrides: list[str] | None
) -> Iterator[LocalSchedules | KubeflowSchedules | VertexSchedules]:
    """The schedules of a place.

    Args:
        target: The place.
        store: Folder of the schedules on this machine.
        config: YAML with the cluster's address.
        overrides: `key=value`, laid over it.

    Raises:
        UserError: A setting is missing, the cluster cannot be reached, or refuses.
    """
    if target == "local":
        yield LocalSchedules(store)
    else:
        with cluster_schedules(load_settings(config, overrides or []), target) as schedules:
            yield schedules
