"""Over how many devices and machines a training is spread, and which process of it writes."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from petseg.errors import UserError
from trainer.settings import TrainerSettings

WORKER_JOBS = ("chief", "worker")


class WorkerLostError(RuntimeError):
    """Another process of this training died or cannot be reached."""


def make_strategy(distribution: str) -> tf.distribute.Strategy:
    """Joins the devices that train; with multi_worker waits until all workers are there.

    Must come before anything else that TensorFlow does in this process.

    Args:
        distribution: `trainer.distribution`: none, mirrored (all GPUs of this machine, or the logical CPU
            devices where there is none) or multi_worker (all workers that the environment variable TF_CONFIG
            names, each with all its GPUs).

    Raises:
        UserError: TF_CONFIG is missing, or gives this process no part in the training.
    """
    if distribution == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if distribution == "multi_worker":
        workers = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        try:
            has_place = workers.task_type in WORKER_JOBS and workers.task_type in workers.cluster_spec().jobs
        except ValueError:  # what is no JSON, also an empty string
            has_place = False
        if not has_place:
            raise UserError(
                "trainer.distribution: multi_worker needs the environment variable TF_CONFIG with `cluster` "
                "and `task`, of type chief or worker, as a TFJob and Vertex' worker pools set it; for the "
                "GPUs of this machine alone give mirrored"
            )
        return tf.distribute.MultiWorkerMirroredStrategy(workers)
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes: the task `chief`, or worker 0 where none is named so."""
    if not _of_several_processes(strategy):
        return True
    workers = strategy.cluster_resolver
    first = "chief" if "chief" in workers.cluster_spec().jobs else "worker"
    return (workers.task_type, workers.task_id) == (first, 0)


def for_replicas(settings: TrainerSettings, replicas: int) -> TrainerSettings:
    """The settings of the whole step, of all replicas together.

    Linear scaling is that of Goyal et al. 2017, "Accurate, Large Minibatch SGD"; the square root keeps the
    variance of Adam's steps (Krizhevsky 2014, "One weird trick").

    Raises:
        UserError: The batch cannot be shared out evenly.
    """
    if settings.replica_scaling == "none":
        if settings.batch_size % replicas:
            raise UserError(
                f"trainer.batch_size must be a multiple of the {replicas} replicas that share it; received "
                f"{settings.batch_size}"
            )
        return settings
    factor = replicas if settings.replica_scaling == "linear" else math.sqrt(replicas)
    return settings.model_copy(
        update={
            "batch_size": settings.batch_size * replicas,
            "learning_rate": settings.learning_rate * factor,
        }
    )


def synchronize_batch_norm(network: keras.Model) -> None:
    """Makes every BatchNorm that learns take its statistics from the batches of all replicas."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
        elif isinstance(layer, keras.Model):
            synchronize_batch_norm(layer)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when all workers have come this far."""
    if _of_several_processes(strategy):
        _of_all(strategy, 0)


def check_alike(strategy: tf.distribute.Strategy, content: str) -> None:
    """Compares something with all other workers.

    Raises:
        UserError: It is not the same everywhere.
    """
    if not _of_several_processes(strategy):
        return
    digest = int.from_bytes(hashlib.sha256(content.encode()).digest()[:4], "big")
    if len(set(_of_all(strategy, digest))) > 1:
        raise UserError(
            "the workers of a training must be given the same settings, examples and checkpoints, in folders "
            "that all of them mount; they were not"
        )


@contextmanager
def report_lost_workers(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns what TensorFlow raises when another worker is gone into one sentence.

    Raises:
        WorkerLostError: A worker is gone.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if _of_several_processes(strategy) and not isinstance(error, tf.errors.ResourceExhaustedError):
            raise WorkerLostError(
                "another worker of this training died or cannot be reached; the next start of all workers "
                "goes on from the last checkpoint"
            ) from error
        raise


def _of_several_processes(strategy: tf.distribute.Strategy) -> bool:
    return isinstance(strategy.cluster_resolver, tf.distribute.cluster_resolver.TFConfigClusterResolver)


def _of_all(strategy: tf.distribute.Strategy, number: int) -> list[int]:
    """What each replica's process gave."""

    @tf.function
    def gather() -> tf.Tensor:
        return strategy.gather(strategy.run(lambda: tf.constant([number], tf.int64)), axis=0)

    numbers: list[int] = gather().numpy().tolist()
    return numbers
