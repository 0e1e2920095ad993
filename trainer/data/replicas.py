"""How the replicas of a distributed training share batches: alike for cached and for streamed examples."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.errors import UserError

ONE_DEVICE = tf.distribute.InputContext()
"""The whole batch, for one replica in one process."""


def full_batch(examples: int, batch_size: int, replicas: int) -> int:
    """The size of a batch of all replicas together, of which a small split has less than `batch_size`.

    Raises:
        UserError: There are fewer examples than replicas.
    """
    if examples < replicas:
        raise UserError(
            f"trainer.distribution: {replicas} replicas need at least {replicas} training examples; "
            f"received {examples}"
        )
    return min(batch_size, examples // replicas * replicas)


def sharded(
    rows: tuple[np.ndarray, ...], batch_size: int, context: tf.distribute.InputContext
) -> tf.data.Dataset:
    """Batches of rows, sharded to the replicas one row at a time.

    Args:
        rows: Arrays of one length, a multiple of the replicas.
        batch_size: Rows a batch, of all replicas together.
        context: The replicas whose parts are returned.

    Returns:
        Dataset of tuples with one entry per array, the parts of this process's replicas in turn.
    """
    replicas = context.num_replicas_in_sync
    own = own_replicas(context)
    kept = tuple(each.reshape(-1, replicas, *each.shape[1:])[:, own.start : own.stop] for each in rows)
    count, size = len(kept[0]), batch_size // replicas

    def shard(*batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.stack(tf.unstack(each, axis=1)) for each in batch)

    batches = tf.data.Dataset.from_tensor_slices(kept).batch(size, drop_remainder=count % size == 0)
    return batches.map(shard).unbatch()


def own_replicas(context: tf.distribute.InputContext) -> range:
    """The replicas of this process."""
    local = context.num_replicas_in_sync // context.num_input_pipelines
    first = context.input_pipeline_id * local
    return range(first, first + local)


def taking_turns(datasets: Sequence[tf.data.Dataset]) -> tf.data.Dataset:
    """The elements of datasets of one length, one of each in turn."""
    if len(datasets) == 1:
        return datasets[0]
    return tf.data.Dataset.choose_from_datasets(datasets, tf.data.Dataset.range(len(datasets)).repeat())


def ignored_unless(counted: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """Masks, uint8 [n, H, W], which are ignored where bool [n] is False."""
    return tf.where(counted[:, tf.newaxis, tf.newaxis], masks, tf.cast(CLASS_ID_IGNORED, masks.dtype))
