"""Distribution of a training over devices and machines, and which process writes results."""

import hashlib
import math
import os
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
    """Makes the distribution strategy; with multi_worker, waits until all workers are connected.

    Must come before anything else that TensorFlow does in this process.

    Args:
        distribution: `trainer.distribution`: none, mirrored (all GPUs of this machine, or the logical CPU
            devices where there is none) or multi_worker (all workers that the environment variable TF_CONFIG
            names, each with all its GPUs).

    Raises:
        UserError: mirrored without a second device; TF_CONFIG is missing, or gives this process no role in
            the training.
    """
    if distribution == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) < 2:
            raise UserError(
                "trainer.distribution: mirrored needs at least two GPUs that TensorFlow can use; here it "
                f"finds {', '.join(device.name for device in devices)} only; set none"
            )
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if distribution == "multi_worker":
        workers = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        try:
            has_role = workers.task_type in WORKER_JOBS and workers.task_type in workers.cluster_spec().jobs
        except ValueError:  # not JSON, such as an empty string
            has_role = False
        if not has_role:
            raise UserError(
                "trainer.distribution: multi_worker needs the environment variable TF_CONFIG with `cluster` "
                "and `task`, of type chief or worker; the Job in deploy/kubernetes/training and Vertex's "
                "worker pools set it; to use only the GPUs of this machine, set mirrored"
            )
        return tf.distribute.MultiWorkerMirroredStrategy(workers)
    return tf.distribute.get_strategy()


def describe_devices(strategy: tf.distribute.Strategy) -> str:
    """What a training runs on, such as `2 x NVIDIA H100` or `4 CPU cores`."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        cores = os.cpu_count() or 1
        return f"{cores} CPU core{'' if cores == 1 else 's'}"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"{strategy.num_replicas_in_sync} x {name}"


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes results: the task `chief`, or worker 0 if there is no chief."""
    if not _of_several_processes(strategy):
        return True
    workers = strategy.cluster_resolver
    first = "chief" if "chief" in workers.cluster_spec().jobs else "worker"
    return (workers.task_type, workers.task_id) == (first, 0)


def input_context(strategy: tf.distribute.Strategy) -> tf.distribute.InputContext:
    """Which of the replicas belong to this process."""
    contexts: list[tf.distribute.InputContext] = []

    def remember(context: tf.distribute.InputContext) -> tf.data.Dataset:
        contexts.append(context)
        return tf.data.Dataset.range(1)

    strategy.distribute_datasets_from_function(remember)
    return contexts[0]


def for_replicas(settings: TrainerSettings, replicas: int) -> TrainerSettings:
    """Scales batch size and learning rate to the step of all replicas together.

    Linear scaling is that of Goyal et al. 2017, "Accurate, Large Minibatch SGD"; the square root keeps the
    variance of Adam's steps (Krizhevsky 2014, "One weird trick").

    Raises:
        UserError: The batch cannot be divided evenly.
    """
    if settings.replica_scaling == "none":
        if settings.batch_size % replicas:
            raise UserError(
                f"trainer.batch_size must be a multiple of the number of replicas, {replicas}; received "
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
    """Makes every trained BatchNorm compute its statistics over the batches of all replicas."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
        elif isinstance(layer, keras.Model):
            synchronize_batch_norm(layer)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when all workers have called it."""
    if _of_several_processes(strategy):
        _of_all(strategy, 0)


def highest_of_all(strategy: tf.distribute.Strategy, number: int) -> int:
    """The highest number that a worker gives."""
    return max(_of_all(strategy, number)) if _of_several_processes(strategy) else number


def check_alike(strategy: tf.distribute.Strategy, content: str) -> None:
    """Checks that a text is the same on all workers.

    Raises:
        UserError: It is not.
    """
    if not _of_several_processes(strategy):
        return
    digest = int.from_bytes(hashlib.sha256(content.encode()).digest()[:4], "big")
    if len(set(_of_all(strategy, digest))) > 1:
        raise UserError(
            "the workers of a training must be given the same settings, examples and checkpoints, in folders "
            "that all of them mount"
        )


@contextmanager
def report_lost_workers(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns the errors that TensorFlow raises when another worker is gone into one sentence.

    Raises:
        WorkerLostError: A worker died or cannot be reached.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if _of_several_processes(strategy) and not isinstance(error, tf.errors.ResourceExhaustedError):
            raise WorkerLostError(
                "another worker of this training died or cannot be reached; the next start of all workers "
                "resumes from the last checkpoint"
            ) from error
        raise


def _of_several_processes(strategy: tf.distribute.Strategy) -> bool:
    return isinstance(strategy.cluster_resolver, tf.distribute.cluster_resolver.TFConfigClusterResolver)


def _of_all(strategy: tf.distribute.Strategy, number: int) -> list[int]:
    """The numbers of all processes, one for each replica."""

    @tf.function
    def gather() -> tf.Tensor:
        return strategy.gather(strategy.run(lambda: tf.constant([number], tf.int64)), axis=0)

    numbers: list[int] = gather().numpy().tolist()
    return numbers
