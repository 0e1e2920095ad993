"""Examples that are decoded once and kept, in memory or on disk: all, or the share of a worker."""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from petseg.errors import UserError
from petseg.shards import shard_files
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.geometry import Size
from trainer.data.lanes import WorkerShare
from trainer.data.preprocessing import PairKind, parse_pair

ShareOf = Callable[[int], WorkerShare | None]
"""From the number of examples to the share of a worker; None: all of them."""


@dataclasses.dataclass(frozen=True)
class Pairs:
    """The examples of a split, sorted by name: engines write them in different orders.

    Attributes:
        images: n arrays, uint8 [H, W, 3]; those of other workers are not there.
        masks: n arrays, uint8 [H, W], class ids; alike.
        names: n names, of all examples.
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
    def kept(self) -> Sequence[int]:
        """Indices of the examples that this worker has."""
        return self.masks.indices if isinstance(self.masks, SharedRows) else range(len(self))

    @property
    def description(self) -> str:
        """What all workers of a training must have alike."""
        return str(self.names)

    @property
    def order(self) -> str:
        """Names what the order of an epoch depends on besides seed and epoch: nothing."""
        return ""


def load_pairs(
    patterns: Sequence[str],
    size: Size,
    cache: str,
    kind: PairKind = "at model resolution",
    share_of: ShareOf | None = None,
) -> Pairs:
    """Reads a split, and decodes and keeps the examples of this worker.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        size: H and W, height and width in pixels.
        cache: `memory` or `disk`. On disk, the examples are in unnamed temporary files, which disappear with
            the process however it ends, and which no other process can see.
        kind: Which of the two sizes in the stored examples.
        share_of: The share of this worker, if there are several.

    Raises:
        UserError: There are no examples, or the disk is full or cannot be written.
    """
    stored = StoredExamples(patterns, share_of)
    batches = stored.decoded(lambda record: parse_pair(record, size, kind)).batch(64).prefetch(2)
    keep = _Memory if cache == "memory" else _Disk
    images, masks = keep((*size, 3)), keep(size)
    names: list[str] = []
    for image_batch, mask_batch, name_batch in without_autotuning(batches).as_numpy_iterator():
        images.append(image_batch)
        masks.append(mask_batch)
        names += [name.decode() for name in name_batch]
    order, all_names = stored.order(names)
    return Pairs(stored.in_share(images.rows(order)), stored.in_share(masks.rows(order)), all_names)


class StoredExamples:
    """The records of a split, and which of them this worker keeps.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        share_of: The share of this worker, if there are several. Then all names are read first.
    """

    def __init__(self, patterns: Sequence[str], share_of: ShareOf | None = None):
        self._patterns = patterns
        self._records = tf.data.TFRecordDataset(shard_files(patterns), compression_type="GZIP")
        self._names = self._stored_names() if share_of else []
        share = share_of(len(self._names)) if share_of else None
        self._indices = None if share is None else share.indices(len(self._names))

    def decoded(self, parse: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]) -> tf.data.Dataset:
        """Image, mask and name of the examples that are kept, in the order in which they are stored."""
        records = self._records
        if self._indices is not None:
            by_name = np.argsort(self._names, kind="stable")
            is_kept = np.isin(np.arange(len(by_name)), by_name[self._indices])
            flags = tf.data.Dataset.from_tensor_slices(is_kept)
            chosen = tf.data.Dataset.zip((records, flags)).filter(lambda record, flag: flag)
            records = chosen.map(lambda record, flag: record)
        return records.map(lambda record: (*parse(record), _name(record)), num_parallel_calls=PARALLEL)

    def order(self, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
        """The order of what `decoded` gave, by name, and the sorted names of all examples.

        Raises:
            UserError: There are no examples.
        """
        if not names:
            raise no_examples(self._patterns)
        return np.argsort(names, kind="stable"), sorted(self._names or names)

    def in_share(self, rows: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """The sorted rows by the index of their example."""
        return rows if self._indices is None else SharedRows(rows, self._indices, len(self._names))

    def _stored_names(self) -> list[str]:
        names = self._records.map(_name).batch(64).prefetch(2)
        return [name.decode() for batch in without_autotuning(names).as_numpy_iterator() for name in batch]


def _name(record: tf.Tensor) -> tf.Tensor:
    features = {"image/name": tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_single_example(record, features)["image/name"]


class SharedRows(Sequence[np.ndarray]):
    """Rows of some examples of a split, where the others are with other workers.

    Args:
        rows: The rows.
        indices: Of the examples that they belong to.
        count: Examples of the split.
    """

    def __init__(self, rows: Sequence[np.ndarray], indices: Sequence[int], count: int):
        self.indices = indices
        self._rows = rows
        self._row_of = {index: row for row, index in enumerate(indices)}
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(self._count))]
        if index >= self._count:  # Ends an iteration.
            raise IndexError(f"index {index} of {self._count} examples")
        return self._rows[self._row_of[int(index)]]


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
