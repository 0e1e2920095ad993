"""A compiled pipeline and a cluster to run it on, for the tests of its steps."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import TINY, petseg
from tests.e2e.kubeflow_driver import Layout
from tests.e2e.kubeflow_launcher import can_make_pods
from tests.e2e.kubeflow_steps import Cluster, KubeflowRun

needs_pods = pytest.mark.skipif(not can_make_pods(), reason="needs root and mount namespaces, for pods")

CLAIM, MOUNT, WORK = "petseg", "/petseg", "petseg"
"""The claim, where the steps mount it, and the work folder on it: the pipeline's name."""

OLDER: Layout = "2.5"
NEWER: Layout = "2.16"

ROOTS: dict[Layout, str] = {OLDER: "s3://bucket/two/five", NEWER: "minio://bucket/petseg"}


def new_cluster(folder: Path, data: Path | None = None) -> Cluster:
    """A cluster with one volume, on which the data is at `data`."""
    volume = folder / "volume"
    volume.mkdir(parents=True)
    if data:
        put_data(volume, data)
    return Cluster(folder / "pods", CLAIM, volume)


def put_data(volume: Path, data: Path) -> None:
    """Puts the data onto the volume."""
    shutil.copytree(data, volume / "data")


def compiled(file: Path, root: str, *more: str) -> Path:
    """Compiles the tiny pipeline for a root, with data on the volume at /petseg."""
    return compiled_without_claim(
        file, root,
        "--set", f"data.path={MOUNT}/data",
        "--set", f"runner.kubeflow.volume_claim={CLAIM}",
        *more,
    )  # fmt: skip


def compiled_without_claim(file: Path, root: str, *more: str) -> Path:
    """The same without a volume; `more` says where data and pushed models are."""
    done = petseg(
        "compile", "--target", "kubeflow", "--output", file, *TINY,
        "--set", f"runner.pipeline_root={root}",
        "--set", "runner.image=petseg:cpu",
        *more,
    )  # fmt: skip
    assert done.status == 0, done.stderr
    return file


def new_run(file: Path, cluster: Cluster, layout: Layout) -> KubeflowRun:
    """A run of a compiled file."""
    return KubeflowRun.of_file(file, cluster, layout)


def loses_trainer(volume: Path) -> Callable[[subprocess.Popen[str]], None]:
    """What kills one pod as soon as there is a checkpoint on the volume, as a machine that is lost does.

    Returns:
        To be called with each pod's process, which leads its group.
    """
    lost = threading.Event()

    def watch(pod: subprocess.Popen[str]) -> None:
        while pod.poll() is None and not lost.is_set():
            if any((volume / WORK / "checkpoints").rglob("checkpoint")):
                lost.set()
                os.killpg(pod.pid, signal.SIGKILL)
            time.sleep(0.02)

    return lambda pod: threading.Thread(target=watch, args=[pod]).start()


TO_TRAINER = [
    "observe", "import-schema-gen", "segmentation-example-gen", "statistics-gen", "example-validator",
    "production-model", "dataset-gate", "transform", "trainer",
]  # fmt: skip
"""Tasks in an order in which they can run."""

EPOCHS = 40
LONG_TRAINING = ["--set", f"trainer.epochs={EPOCHS}", "--set", "runner.nodes.Trainer.retries=1"]
"""Settings of a Trainer that can be lost in the middle."""

EXPORTS = ["--set", "export.formats=[onnx]", "--set", "export.max_loss=1.0"]
"""Settings of a run with a node Exporter, which accepts its file."""
