"""The trainer's input: examples that are decoded once, kept in memory or on disk, shuffled and augmented.

The order of the examples of epoch e and their augmentation follow from (seed, e) alone. A run that resumes at
epoch e sees what a run without a break sees.
"""

import abc
import math
from collections.abc import Callable, Sized
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import tensorflow as tf

from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.augmentation import augment, draw_groups
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.geometry import Size
from trainer.data.lanes import count_lanes, lane_order, rows_of_an_epoch
from trainer.data.pairs import Pairs
from trainer.data.replicas import ONE_DEVICE, full_batch, ignored_unless, sharded

EvaluationBatches = Callable[[tf.distribute.InputContext], tf.data.Dataset]
"""Makes the batches to evaluate on, for the replicas of one process."""


Split = TypeVar("Split", bound=Sized)


class EpochBatches(abc.ABC, Generic[Split]):
    """The training examples, epoch by epoch.

    Args:
        examples: The training split.
        batch_size: Examples per step, of all replicas together. A smaller split makes one batch.
        augmentation: Random changes of the examples.
        seed: Seed of order and augmentation.
        replicas: Devices that share a batch.
        size: H and W, height and width of the batches in pixels; None: those of the examples.

    Raises:
        UserError: There are fewer examples than replicas.
    """

    times: ClassVar[int] = 1
    """How often an epoch has an example."""

    def __init__(
        self,
        examples: Split,
        batch_size: int,
        augmentation: AugmentationSettings,
        seed: int,
        replicas: int = 1,
        size: Size | None = None,
    ):
        self._examples = examples
        self._batch_size = full_batch(len(examples) * self.times, batch_size, replicas)
        self._augmentation = augmentation
        self._seed = seed
        self._size = size

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """Batches per epoch. All are full: the few examples left over differ from epoch to epoch."""

    @abc.abstractmethod
    def epoch(self, number: int, context: tf.distribute.InputContext = ONE_DEVICE) -> tf.data.Dataset:
        """The batches of one epoch.

        Args:
            number: Epoch, from 0.
            context: The replicas whose parts of the batches are returned.

        Returns:
            Dataset of (images, masks): float32 [n, H, W, 3] from 0 to 255, uint8 [n, H, W], for each of
            this process's replicas in turn. The parts of all replicas together are the batch of one device.
        """


class TrainingBatches(EpochBatches[Pairs]):
    """Batches of examples that are kept."""

    @cached_property
    def _lanes(self) -> int:
        return count_lanes(self._batch_size, len(self._examples))

    @property
    def steps(self) -> int:
        """See `EpochBatches`."""
        return rows_of_an_epoch(len(self._examples), self._lanes, self._batch_size) // self._batch_size

    def epoch(self, number: int, context: tf.distribute.InputContext = ONE_DEVICE) -> tf.data.Dataset:
        """See `EpochBatches`."""
        random = np.random.default_rng((self._seed, number))
        indices = lane_order(random, len(self._examples), self._lanes, self.steps * self._batch_size)
        draws = np.concatenate(
            [random.random((len(indices), count), np.float32) for count in draw_groups()], axis=1
        )
        rows = sharded((indices, draws), self._batch_size, context)
        return prefetched(rows, self._make)

    def _make(self, indices: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return augment(*gather(self._examples, indices), draws, self._augmentation, self._size)


def evaluation_batches(
    pairs: Pairs, batch_size: int, context: tf.distribute.InputContext = ONE_DEVICE
) -> tf.data.Dataset:
    """All examples once, unchanged and in order. The last batch may be smaller.

    Returns:
        Dataset of (images, masks): float32 [n, H, W, 3] from 0 to 255, uint8 [n, H, W], for each of this
        process's replicas in turn. If the examples cannot be divided evenly, the first one is repeated with
        an ignored mask.
    """

    def make(indices: tf.Tensor, counted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, masks = gather(pairs, indices)
        return tf.cast(images, tf.float32), ignored_unless(counted, masks)

    rows = evaluation_indices(len(pairs), batch_size, context)
    return prefetched(rows, make)


def evaluation_indices(count: int, batch_size: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
    """Indices from 0 to `count` in batches, sharded evenly.

    Returns:
        Dataset of (indices, counted): int64 [n], bool [n], False for padding.
    """
    filled_up = np.arange(math.ceil(count / context.num_replicas_in_sync) * context.num_replicas_in_sync)
    counted = filled_up < count
    return sharded((np.where(counted, filled_up, 0), counted), batch_size, context)


def prefetched(rows: tf.data.Dataset, make: Callable[..., Any]) -> tf.data.Dataset:
    """Batches made of rows, in order, on all cores, with two prefetched."""
    return without_autotuning(rows.map(make, num_parallel_calls=PARALLEL, deterministic=True).prefetch(2))


def gather(pairs: Pairs, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The examples with these indices, uint8 [n, H, W, 3] and [n, H, W].

    In NumPy: a tensor of all examples would be a constant of some hundred megabytes in the graph, and the
    cache and shuffle of tf.data can neither start at an epoch nor share one copy of the examples.
    """

    def pick(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([pairs.images[i] for i in indices]), np.stack([pairs.masks[i] for i in indices])

    images, masks = tf.numpy_function(pick, [indices], [tf.uint8, tf.uint8], stateful=False)
    images.set_shape((indices.shape[0], *pairs.images[0].shape))
    masks.set_shape((indices.shape[0], *pairs.masks[0].shape))
    return images, masks
