"""Which examples a worker keeps, and an order of an epoch that needs no others.

Each row of a batch takes its examples from one lane: lane k of n has the examples k, k + n, k + 2n and so on.
The rows of a batch go to the replicas in turn, so a replica needs the lanes of its rows only, and the order
is that of one device.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from trainer.data.replicas import full_batch, own_replicas

MOST_LANES = 64

FEWEST_IN_A_LANE = 64
"""Lanes differ by one example, and those of a longer lane are left out of more epochs: by 2 % at most."""

KEPT_BY_ALL = 32
"""The first examples, which previews and the model's reference examples are taken from."""


@dataclasses.dataclass(frozen=True)
class WorkerShare:
    """The examples of a worker: example i is for replica i modulo `replicas`.

    Attributes:
        replicas: Devices of all workers together.
        own: Those of this worker.
    """

    replicas: int
    own: range

    def indices(self, count: int) -> list[int]:
        """The examples of `count` that this worker keeps, in order."""
        return [index for index in range(count) if index % self.replicas in self.own or index < KEPT_BY_ALL]


def count_lanes(batch_size: int, examples: int, times: int = 1) -> int:
    """Number of lanes: it divides the batch, no lane is short, and together they fill a batch.

    Args:
        batch_size: At most `examples` times `times`.
        examples: Of all workers.
        times: How often an epoch may have an example.
    """
    most = max(1, min(MOST_LANES, examples // FEWEST_IN_A_LANE, batch_size))
    return next(
        lanes
        for lanes in range(most, 0, -1)
        if batch_size % lanes == 0 and rows_of_an_epoch(examples, lanes, batch_size, times)
    )


def lane_order(
    random: np.random.Generator, examples: int, lanes: int, rows: int, times: int = 1
) -> np.ndarray:
    """The examples of an epoch in random order.

    Args:
        random: Where the order is drawn from.
        examples: Number of examples.
        lanes: See `count_lanes`.
        rows: Length of the epoch: a multiple of the lanes, see `rows_of_an_epoch`.
        times: How often an epoch may have an example.

    Returns:
        int64 [rows], indices of examples; row k has one of lane k modulo `lanes`.
    """
    drawn = [
        random.permutation(np.tile(np.arange(lane, examples, lanes), times))[: rows // lanes]
        for lane in range(lanes)
    ]
    return np.stack(drawn, axis=1).ravel()


def rows_of_an_epoch(examples: int, lanes: int, batch_size: int, times: int = 1) -> int:
    """Rows of the full batches that all lanes can fill."""
    return examples // lanes * lanes * times // batch_size * batch_size


def training_share(
    context: tf.distribute.InputContext, batch_size: int, examples: int, times: int = 1
) -> WorkerShare | None:
    """The training examples that a worker needs; None: all of them.

    Args:
        context: The replicas of the worker.
        batch_size: Examples per step, of all replicas together.
        examples: Of all workers.
        times: How often an epoch may have an example.
    """
    replicas = context.num_replicas_in_sync
    lanes = count_lanes(full_batch(examples * times, batch_size, replicas), examples, times)
    return None if lanes % replicas else evaluation_share(context)


def evaluation_share(context: tf.distribute.InputContext) -> WorkerShare | None:
    """The examples that a worker evaluates on; None: all of them."""
    if context.num_input_pipelines == 1:
        return None
    return WorkerShare(context.num_replicas_in_sync, own_replicas(context))
