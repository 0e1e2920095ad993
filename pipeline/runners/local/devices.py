"""Whether this machine has the devices that `trainer.distribution` needs, known before the data steps."""

import os
import subprocess
import sys

from petseg.errors import UserError
from trainer.settings import TrainerSettings

COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"


def check_devices(trainer: TrainerSettings) -> None:
    """Checks that a training on several devices or machines can be one.

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
