"""All runners by the name that `--target` takes, one line each."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.runners.runner import Cluster, Runner

LOCAL = "local"

RUNNERS = {
    LOCAL: "pipeline.runners.local.machine.LocalMachine",
    "kubeflow": "pipeline.runners.kubeflow.cluster.Kubeflow",
    "vertex": "pipeline.runners.vertex.cluster.Vertex",
}
"""Paths of the classes: `--help` needs the names only, and imports none of them."""


def cluster_names() -> tuple[str, ...]:
    """The runners that take a compiled pipeline: all but this machine."""
    return tuple(name for name in RUNNERS if name != LOCAL)


def find_runner(name: str) -> "Runner":
    """Returns a runner by its name in RUNNERS."""
    module, _, class_name = RUNNERS[name].rpartition(".")
    return getattr(importlib.import_module(module), class_name)(name)


def find_cluster(name: str) -> "Cluster":
    """Returns a runner by its name in `cluster_names()`."""
    from pipeline.runners.runner import Cluster

    runner = find_runner(name)
    assert isinstance(runner, Cluster)
    return runner
