"""The trainer's input: examples that are decoded once, kept in memory or on disk, shuffled and augmented.

The order of the examples of epoch e and their augmentation follow from (seed, e) alone. A run that resumes at
epoch e sees what a run without a break sees.
"""

import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.errors import UserError
from petseg.shards import shard_files
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.augmentation import augment, draw_groups
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.geometry import Size, stored_geometry
from trainer.data.preprocessing import PairKind, parse_pair
from trainer.settings import TrainingSettings

EvaluationBatches = Callable[[tf.distribute.InputContext], tf.data.Dataset]
"""Makes the batches to evaluate on, for the replicas of one process."""

ONE_DEVICE = tf.distribute.InputContext()
"""The whole batch, for one replica in one process."""


@dataclasses.dataclass(frozen=True)
class Pairs:
    """All examples of a split, sorted by name: engines write them in different orders.

    Attributes:
        images: n arrays, uint8 [H, W, 3].
        masks: n arrays, uint8 [H, W], class ids.
        names: n names.
    """

    images: Sequence[np.ndarray]
    masks: Sequence[np.ndarray]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def first(self, count: int) -> "Pairs":
        """The first `count` examples, or all if there are fewer."""
        return Pairs(self.images[:count], self.masks[:count], self.names[:count])


def load_pairs(
    patterns: Sequence[str], size: Size, cache: str, kind: PairKind = "at model resolution"
) -> Pairs:
    """Reads and decodes all examples of a split.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        size: H and W, height and width in pixels.
        cache: `memory` or `disk`. On disk, the examples are in unnamed temporary files, which disappear with
            the process however it ends.
        kind: Which of the two sizes in the stored examples.

    Raises:
        UserError: There are no examples.
    """
    files = shard_files(patterns)
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        name = tf.io.parse_single_example(record, {"image/name": tf.io.FixedLenFeature([], tf.string)})
        return *parse_pair(record, size, kind), name["image/name"]

    batches = without_autotuning(records.map(parse, num_parallel_calls=PARALLEL).batch(64).prefetch(2))
    keep = _Memory if cache == "memory" else _Disk
    images, masks = keep((*size, 3)), keep(size)
    names: list[str] = []
    for image_batch, mask_batch, name_batch in batches.as_numpy_iterator():
        images.append(image_batch)
        masks.append(mask_batch)
        names += [name.decode() for name in name_batch]
    if not names:
        raise UserError(f"no examples in {', '.join(patterns)}; the split must have at least one")
    order = np.argsort(names, kind="stable")
    image_rows, mask_rows = images.rows(), masks.rows()
    return Pairs(
        images=[image_rows[i] for i in order],
        masks=[mask_rows[i] for i in order],
        names=[names[i] for i in order],
    )


def load_training_pairs(patterns: Sequence[str], settings: TrainingSettings) -> Pairs:
    """The training examples, in the size that `transform.training_scale` stores."""
    stored = stored_geometry(settings.transform, settings.model.input_size)
    kind: PairKind = "to crop from" if settings.transform.training_scale > 1 else "at model resolution"
    return load_pairs(patterns, stored.size, settings.trainer.cache, kind)


def load_evaluation_pairs(patterns: Sequence[str], settings: TrainingSettings) -> Pairs:
    """The examples to evaluate on, at model resolution."""
    return load_pairs(patterns, settings.model.input_size, settings.trainer.cache)


class _Memory:
    """Keeps rows as views into the batches that they came in, without a copy."""

    def __init__(self, shape: tuple[int, ...]):
        self._rows: list[np.ndarray] = []

    def append(self, batch: Iterable[np.ndarray]) -> None:
        self._rows.extend(batch)

    def rows(self) -> Sequence[np.ndarray]:
        return self._rows


class _Disk:
    """Keeps rows of one shape in an unnamed file and maps them into memory."""

    def __init__(self, shape: tuple[int, ...]):
        self._shape = shape
        self._file = tempfile.TemporaryFile(prefix="petseg-cache-")  # noqa: SIM115

    def append(self, batch: np.ndarray) -> None:
        self._file.write(batch.tobytes())

    def rows(self) -> Sequence[np.ndarray]:
        self._file.flush()
        return list(np.memmap(self._file, np.uint8, mode="r").reshape((-1, *self._shape)))


class TrainingBatches:
    """The training examples, epoch by epoch.

    Args:
        pairs: The training split.
        batch_size: Examples per step, of all replicas together. A smaller split makes one batch.
        augmentation: Random changes of the examples.
        seed: Seed of order and augmentation.
        replicas: Devices that share a batch.
        size: H and W, height and width of the batches in pixels; None: those of `pairs`.

    Raises:
        UserError: There are fewer examples than replicas.
    """

    def __init__(
        self,
        pairs: Pairs,
        batch_size: int,
        augmentation: AugmentationSettings,
        seed: int,
        replicas: int = 1,
        size: Size | None = None,
    ):
        if len(pairs) < replicas:
            raise UserError(
                f"trainer.distribution: {replicas} replicas need at least {replicas} training examples; "
                f"received {len(pairs)}"
            )
        self._pairs = pairs
        self._batch_size = min(batch_size, len(pairs) // replicas * replicas)
        self._augmentation = augmentation
        self._seed = seed
        self._size = size

    @property
    def steps(self) -> int:
        """Batches per epoch. All are full: the few examples left over differ from epoch to epoch."""
        return len(self._pairs) // self._batch_size

    def epoch(self, number: int, context: tf.distribute.InputContext = ONE_DEVICE) -> tf.data.Dataset:
        """The batches of one epoch.

        Args:
            number: Epoch, from 0.
            context: The replicas whose parts of the batches are returned.

        Returns:
            Dataset of (images, masks): float32 [n, H, W, 3] from 0 to 255, uint8 [n, H, W], for each of
            this process's replicas in turn. The parts of all replicas together are the batch of one device.
        """
        random = np.random.default_rng((self._seed, number))
        indices = random.permutation(len(self._pairs))[: self.steps * self._batch_size]
        draws = np.concatenate(
            [random.random((len(indices), count), np.float32) for count in draw_groups()], axis=1
        )
        rows = sharded((indices, draws), self._batch_size, context)
        return prefetched(rows, self._make)

    def _make(self, indices: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return augment(*gather(self._pairs, indices), draws, self._augmentation, self._size)


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


def ignored_unless(counted: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """Masks, uint8 [n, H, W], which are ignored where bool [n] is False."""
    return tf.where(counted[:, tf.newaxis, tf.newaxis], masks, tf.cast(CLASS_ID_IGNORED, masks.dtype))


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
    local = replicas // context.num_input_pipelines
    first = context.input_pipeline_id * local
    own = tuple(each.reshape(-1, replicas, *each.shape[1:])[:, first : first + local] for each in rows)
    count, size = len(own[0]), batch_size // replicas

    def shard(*batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tf.stack(tf.unstack(each, axis=1)) for each in batch)

    batches = tf.data.Dataset.from_tensor_slices(own).batch(size, drop_remainder=count % size == 0)
    return batches.map(shard).unbatch()


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
