"""The trainer's input: transformed pairs, decoded once, kept in memory or on disk, shuffled and augmented.

The order of epoch e and every change of its pairs follow from (seed, e) alone. A run that is killed and goes
on at epoch e sees what the unbroken run would have seen.
"""

import dataclasses
import tempfile
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from trainer.augmentation import DRAWS, augment
from trainer.errors import UserError
from trainer.preprocessing import parse_pair
from trainer.settings import AugmentationSettings


@dataclasses.dataclass(frozen=True)
class Pairs:
    """All pairs of a split, sorted by name, whatever engine wrote them in whatever order.

    Attributes:
        images: n arrays, uint8 [S, S, 3].
        masks: n arrays, uint8 [S, S], class ids.
        names: n names.
    """

    images: Sequence[np.ndarray]
    masks: Sequence[np.ndarray]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def first(self, count: int) -> "Pairs":
        """The first `count` pairs, or all if there are fewer."""
        return Pairs(self.images[:count], self.masks[:count], self.names[:count])


def load_pairs(patterns: Sequence[str], size: int, cache: str) -> Pairs:
    """Reads and decodes all pairs of a split.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        size: S, height and width in pixels.
        cache: `memory` or `disk`; on disk the pairs lie in unnamed temporary files, which vanish with the
            process however it ends.

    Raises:
        UserError: There is no pair.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        name = tf.io.parse_single_example(record, {"image/name": tf.io.FixedLenFeature([], tf.string)})
        return *parse_pair(record, size), name["image/name"]

    batches = records.map(parse, num_parallel_calls=tf.data.AUTOTUNE).batch(64).prefetch(2)
    keep = _Memory if cache == "memory" else _Disk
    images, masks = keep((size, size, 3)), keep((size, size))
    names: list[str] = []
    for image_batch, mask_batch, name_batch in batches.as_numpy_iterator():
        images.append(image_batch)
        masks.append(mask_batch)
        names += [name.decode() for name in name_batch]
    if not names:
        raise UserError(f"no pairs in {', '.join(patterns)}; the split must hold at least one")
    order = np.argsort(names, kind="stable")
    image_rows, mask_rows = images.rows(), masks.rows()
    return Pairs(
        images=[image_rows[i] for i in order],
        masks=[mask_rows[i] for i in order],
        names=[names[i] for i in order],
    )


class _Memory:
    """Keeps rows where they came: views into the batches, nothing is copied together."""

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
    """The training pairs, epoch by epoch.

    Args:
        pairs: The training split.
        batch_size: Pairs a step; a split with fewer makes one batch of all it has.
        augmentation: How pairs are changed.
        seed: Of order and augmentation.
    """

    def __init__(self, pairs: Pairs, batch_size: int, augmentation: AugmentationSettings, seed: int):
        self._pairs = pairs
        self._batch_size = min(batch_size, len(pairs))
        self._augmentation = augmentation
        self._seed = seed

    @property
    def steps(self) -> int:
        """Batches an epoch. All are full: the few pairs left over differ from epoch to epoch."""
        return len(self._pairs) // self._batch_size

    def epoch(self, number: int) -> tf.data.Dataset:
        """The batches of one epoch.

        Args:
            number: Epoch, from 0.

        Returns:
            Dataset of (images, masks): float32 [batch, S, S, 3] from 0 to 255, uint8 [batch, S, S].
        """
        random = np.random.default_rng((self._seed, number))
        places = random.permutation(len(self._pairs))[: self.steps * self._batch_size]
        draws = np.concatenate([random.random((len(places), count), np.float32) for count in DRAWS], axis=1)
        rows = tf.data.Dataset.from_tensor_slices((places, draws)).batch(
            self._batch_size, drop_remainder=True
        )

        return rows.map(self._make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)

    def _make(self, places: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return augment(*gather(self._pairs, places), draws, self._augmentation)


def evaluation_batches(pairs: Pairs, batch_size: int) -> tf.data.Dataset:
    """All pairs once, unchanged and in order; the last batch may be smaller.

    Returns:
        Dataset of (images, masks): float32 [n, S, S, 3] from 0 to 255, uint8 [n, S, S].
    """

    def make(places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, masks = gather(pairs, places)
        return tf.cast(images, tf.float32), masks

    places = tf.data.Dataset.range(len(pairs)).batch(batch_size)
    return places.map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def gather(pairs: Pairs, places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pairs at these places, uint8 [n, S, S, 3] and [n, S, S].

    By NumPy, for a tensor of all pairs would be a constant of some hundred megabytes in the graph, and
    tf.data's own cache and shuffle can neither jump to an epoch nor share one copy of the pairs.
    """

    def pick(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([pairs.images[i] for i in places]), np.stack([pairs.masks[i] for i in places])

    images, masks = tf.numpy_function(pick, [places], [tf.uint8, tf.uint8], stateful=False)
    images.set_shape((places.shape[0], *pairs.images[0].shape))
    masks.set_shape((places.shape[0], *pairs.masks[0].shape))
    return images, masks
