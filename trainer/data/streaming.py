"""Examples that are read anew in every epoch and never kept: `trainer.cache: none`, for any amount of data.

Order and augmentation of epoch e follow from (seed, e) alone, as with a cache, but the order is another
one: an epoch goes through the shards in random order, from a random record on, in several lanes. Each lane is
shuffled in a buffer, and each batch takes equally many examples of every lane. So workers read only the
shards of their own lanes, and together have the batches of one device.
"""

import hashlib
import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
import tensorflow as tf

from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.augmentation import augment, draw_groups
from trainer.data.geometry import Size
from trainer.data.input import EpochBatches
from trainer.data.pairs import Pairs
from trainer.data.preprocessing import PairKind, parse_pair
from trainer.data.records import Records
from trainer.data.replicas import ONE_DEVICE, ignored_unless, own_replicas, taking_turns

STREAMED = "streamed"
"""Begins the name of a folder of checkpoints, see `StreamedPairs.order`."""

LANES = 8
MOST_LANES = 16
"""Where there are as many shards. With fewer, lanes begin inside of shards, and unpack what they skip."""

SHUFFLE_BYTES = 128 << 20
"""Of the shuffle buffers of all lanes together. It decides the order, so it is the same on every machine."""


class StreamedPairs:
    """The examples of a split, which stay where they are.

    Args:
        records: The split.
        size: H and W, height and width in pixels.
        kind: Which of the two sizes in the stored examples.
    """

    def __init__(self, records: Records, size: Size, kind: PairKind = "at model resolution"):
        self.records = records
        self._size = size
        self._kind = kind

    def __len__(self) -> int:
        return len(self.records)

    @property
    def description(self) -> str:
        """What all workers of a training must have alike."""
        return f"{self.records.digest} {list(self.records.counts)}"

    @property
    def order(self) -> str:
        """Names what the order of an epoch depends on besides seed and epoch: how the records are stored.

        A training that resumed in another order would end with other weights.
        """
        return f"{STREAMED}-{hashlib.sha256(self.description.encode()).hexdigest()[:16]}"

    def decode(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """From a record to the image, uint8 [H, W, 3], and the mask, uint8 [H, W], class ids."""
        return parse_pair(record, self._size, self._kind)

    def first(self, count: int) -> Pairs:
        """The first `count` examples by name, at most 32, or all if there are fewer."""
        wanted = self.records.first_names[:count]

        def named(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            features = {"image/name": tf.io.FixedLenFeature([], tf.string)}
            return tf.io.parse_single_example(record, features)["image/name"], record

        def is_wanted(name: tf.Tensor, record: tf.Tensor) -> tf.Tensor:
            return tf.reduce_any(name == tf.constant(wanted, tf.string))

        records = self.records.read(0, len(self)).map(named)
        found = records.filter(is_wanted).map(lambda name, record: (name, *self.decode(record)))
        rows = sorted(without_autotuning(found).as_numpy_iterator(), key=lambda row: row[0])
        return Pairs([row[1] for row in rows], [row[2] for row in rows], [row[0].decode() for row in rows])


class StreamedBatches(EpochBatches[StreamedPairs]):
    """Batches that are read from the records."""

    @cached_property
    def _lanes(self) -> int:
        return _lanes(self._batch_size, len(self._examples.records.files))

    @cached_property
    def _buffer(self) -> int:
        record_bytes = max(1, self._examples.records.bytes // len(self._examples))
        return max(2, self._batch_size // self._lanes, SHUFFLE_BYTES // record_bytes // self._lanes)

    @property
    def steps(self) -> int:
        """See `EpochBatches`."""
        return len(self._examples) // self._batch_size

    def epoch(self, number: int, context: tf.distribute.InputContext = ONE_DEVICE) -> tf.data.Dataset:
        """See `EpochBatches`.

        Where the number of lanes is no multiple of the replicas, each worker reads all records, and decodes
        its own.

        Raises:
            UserError: A shard was changed since it was read at first.
        """
        self._examples.records.check_unchanged()
        random = np.random.default_rng((self._seed, number))
        order = random.permutation(len(self._examples.records.files)).tolist()
        start = int(random.integers(len(self._examples)))
        shuffle_seeds = random.integers(1 << 31, size=self._lanes)
        draw_seed = random.integers(1 << 31, size=2)
        length = self.steps * self._batch_size // self._lanes
        replicas = context.num_replicas_in_sync

        def lane(index: int) -> tf.data.Dataset:
            records = self._examples.records.read(start + index * length, length, order)
            seed = int(shuffle_seeds[index])
            return records.shuffle(self._buffer, seed, reshuffle_each_iteration=False).prefetch(2)

        def batches_of(replica: int) -> tf.data.Dataset:
            lanes = _neighbors_together(self._lanes)
            if self._lanes % replicas:
                records = taking_turns([lane(each) for each in lanes]).shard(replicas, replica)
            else:
                records = taking_turns([lane(each) for each in lanes[replica::replicas]])
            decoded = records.map(self._examples.decode, num_parallel_calls=PARALLEL, deterministic=True)
            batches = decoded.batch(self._batch_size // replicas, drop_remainder=True)

            def changed(step: tf.Tensor, pair: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
                draws = self._draws(tf.constant(draw_seed), step)[replica::replicas]
                return augment(*pair, draws, self._augmentation, self._size)

            return batches.enumerate().map(changed, num_parallel_calls=PARALLEL, deterministic=True)

        return _of_own_replicas(batches_of, context)

    def _draws(self, seed: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Random numbers for the augmentation of a whole batch, float32 [n, sum(draw_groups())]."""
        seed = tf.random.experimental.stateless_fold_in(seed, step)
        return tf.random.stateless_uniform([self._batch_size, sum(draw_groups())], seed)


def streamed_evaluation_batches(
    pairs: StreamedPairs, batch_size: int, context: tf.distribute.InputContext = ONE_DEVICE
) -> tf.data.Dataset:
    """All examples once, unchanged, in the order in which they are stored; see `evaluation_batches`.

    Each replica reads a range of its own.
    """
    pairs.records.check_unchanged()
    replicas = context.num_replicas_in_sync
    count = math.ceil(len(pairs) / replicas)

    def batches_of(replica: int) -> tf.data.Dataset:
        first = replica * count
        own = max(0, min(count, len(pairs) - first))
        records = pairs.records.read(0, 1).repeat(count - own)
        if own:
            records = pairs.records.read(first, own).concatenate(records)

        def decode(index: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return *pairs.decode(record), index < own

        def evaluated(images: tf.Tensor, masks: tf.Tensor, counted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cast(images, tf.float32), ignored_unless(counted, masks)

        decoded = records.enumerate().map(decode, num_parallel_calls=PARALLEL, deterministic=True)
        return decoded.batch(batch_size // replicas).map(evaluated)

    return _of_own_replicas(batches_of, context)


def _of_own_replicas(
    batches_of: Callable[[int], tf.data.Dataset], context: tf.distribute.InputContext
) -> tf.data.Dataset:
    """The batches of each of this process's replicas in turn, two prefetched."""
    own = taking_turns([batches_of(replica) for replica in own_replicas(context)])
    return without_autotuning(own.prefetch(2))


def _lanes(batch_size: int, shards: int) -> int:
    """Number of lanes: it divides the batch."""
    most = min(batch_size, max(LANES, min(shards, MOST_LANES)))
    return next(lanes for lanes in range(most, 0, -1) if batch_size % lanes == 0)


def _neighbors_together(lanes: int) -> list[int]:
    """The lanes in the order in which a batch takes from them.

    However many replicas take turns, each has neighboring lanes, which are in few shards: a reversal of
    digits, as of bits in the fast Fourier transform.

    Examples:
        >>> _neighbors_together(8)
        [0, 4, 2, 6, 1, 5, 3, 7]
    """
    order = [0]
    for factor in (2, 3, 5, 7, 11, 13):
        while lanes % (len(order) * factor) == 0:
            order = [lane * factor + digit for digit in range(factor) for lane in order]
    return order
