"""Whether a run has the devices that `trainer.distribution` needs, known before the data steps."""

import os
import subprocess
import sys

from petseg.errors import UserError
from pipeline.settings import PipelineSettings
from trainer.settings import TrainerSettings

COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"


def check_devices(trainer: TrainerSettings) -> None:
    """Checks that a training on several devices or machines can be one on this machine.

    Raises:
        UserError: mirrored without a second GPU, or with a batch that the GPUs cannot share evenly;
            multi_worker without TF_CONFIG.
    """
    if trainer.distribution == "multi_worker" and not os.environ.get("TF_CONFIG"):
        raise UserError(
            "trainer.distribution: multi_worker needs the environment variable TF_CONFIG, which is not set; "
            "use mirrored for the GPUs of this machine, or none"
        )
    if trainer.distribution != "mirrored":
        return
    gpus = _count_gpus()
    if gpus < 2:
        raise UserError(
            "trainer.distribution: mirrored needs at least two GPUs that TensorFlow can use; this machine "
            f"has {gpus or 'none'}; set none"
        )
    _check_batch(trainer, gpus)


def check_requested_gpus(settings: PipelineSettings) -> None:
    """Checks that the nodes that train on a cluster ask for the GPUs that they need.

    Raises:
        UserError: mirrored with fewer than two GPUs, or with a batch that they cannot share evenly.
    """
    if settings.trainer.distribution != "mirrored":
        return
    for name in ("Tuner", "Trainer") if settings.tuner.enabled else ("Trainer",):
        gpus = settings.runner.node(name).gpus
        if gpus < 2:
            raise UserError(
                f"runner.nodes.{name}.gpus must be at least 2 with trainer.distribution mirrored; received "
                f"{gpus}; ask for more, or set trainer.distribution to none"
            )
        _check_batch(settings.trainer, gpus)


def _check_batch(trainer: TrainerSettings, gpus: int) -> None:
    if trainer.replica_scaling == "none" and trainer.batch_size % gpus:
        raise UserError(
            f"trainer.batch_size must be a multiple of the number of GPUs, {gpus}; received "
            f"{trainer.batch_size}"
        )


def _count_gpus() -> int:
    """GPUs that TensorFlow sees. In a process of its own, which leaves their memory and settings alone."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    counted = subprocess.run(
        [sys.executable, "-c", COUNT_GPUS], env=quiet, capture_output=True, text=True, check=True
    )
    return int(counted.stdout)
