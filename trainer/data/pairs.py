"""Examples that are decoded once and kept, in memory or on disk."""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from petseg.errors import UserError
from petseg.shards import shard_files
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.geometry import Size
from trainer.data.preprocessing import PairKind, parse_pair


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

    @property
    def description(self) -> str:
        """What all workers of a training must have alike."""
        return str(self.names)

    @property
    def order(self) -> str:
        """Names what the order of an epoch depends on besides seed and epoch: nothing."""
        return ""


def load_pairs(
    patterns: Sequence[str], size: Size, cache: str, kind: PairKind = "at model resolution"
) -> Pairs:
    """Reads and decodes all examples of a split.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        size: H and W, height and width in pixels.
        cache: `memory` or `disk`. On disk, the examples are in unnamed temporary files, which disappear with
            the process however it ends, and which no other process can see.
        kind: Which of the two sizes in the stored examples.

    Raises:
        UserError: There are no examples, or the disk is full or cannot be written.
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
        raise no_examples(patterns)
    order = np.argsort(names, kind="stable")
    return Pairs(images=images.rows(order), masks=masks.rows(order), names=[names[i] for i in order])


def no_examples(patterns: Sequence[str]) -> UserError:
    """The error of a split without examples."""
    return UserError(f"no examples in {', '.join(patterns)}; the split must have at least one")


class _Memory:
    """Keeps rows as views into the batches that they came in, without a copy."""

    def __init__(self, shape: tuple[int, ...]):
        self._rows: list[np.ndarray] = []

    def append(self, batch: Iterable[np.ndarray]) -> None:
        self._rows.extend(batch)

    def rows(self, order: np.ndarray) -> Sequence[np.ndarray]:
        return [self._rows[i] for i in order]


class _Disk:
    """Keeps rows of one shape in an unnamed file."""

    def __init__(self, shape: tuple[int, ...]):
        self._shape = shape
        with _explained():
            # Unbuffered: what cannot be written must raise here, not when the file is closed.
            self._file = tempfile.TemporaryFile(prefix="petseg-cache-", buffering=0)  # noqa: SIM115

    def append(self, batch: np.ndarray) -> None:
        content = memoryview(batch.tobytes())
        with _explained():
            while content:
                content = content[self._file.write(content) :]

    def rows(self, order: np.ndarray) -> "DiskRows":
        return DiskRows(self._file, self._shape, order)


class DiskRows(Sequence[np.ndarray]):
    """Rows of one shape, uint8, in a file. Each is read when it is asked for, so they take no memory."""

    def __init__(self, file: Any, shape: tuple[int, ...], order: np.ndarray):
        self._file = file
        self._shape = shape
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return DiskRows(self._file, self._shape, self._order[index])
        size = int(np.prod(self._shape))
        content = os.pread(self._file.fileno(), size, int(self._order[index]) * size)
        return np.frombuffer(content, np.uint8).reshape(self._shape)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turns the errors of writing a cache into one that names the setting and the remedy."""
    try:
        yield
    except OSError as error:
        folder = tempfile.tempdir or os.environ.get("TMPDIR") or "the folder for temporary files"
        raise UserError(
            f"trainer.cache: disk cannot be written in {folder}: {error.strerror or error}; set TMPDIR to a "
            "folder on a disk with more space, or set trainer.cache to none"
        ) from error
