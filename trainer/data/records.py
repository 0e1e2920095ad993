"""The records of a split on disk, before they are decoded: how many, how large, and any range of them."""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from petseg.errors import UserError
from petseg.shards import shard_files
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.lanes import KEPT_BY_ALL
from trainer.data.pairs import no_examples


@dataclasses.dataclass(frozen=True)
class Records:
    """The transformed examples of a split, shard after shard.

    Attributes:
        files: The shards, TFRecords (GZIP), sorted by path.
        counts: Examples in each shard.
        bytes: Of all records together, unpacked.
        digest: SHA-256 in hex of the names, in the order in which they are stored.
        first_names: The first names in sorted order, at most KEPT_BY_ALL of them.
        stamps: Size in bytes and time of the last change of each shard when it was read.
    """

    files: Sequence[str]
    counts: Sequence[int]
    bytes: int
    digest: str
    first_names: Sequence[str]
    stamps: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return sum(self.counts)

    def read(self, first: int, count: int, order: Sequence[int] | None = None) -> tf.data.Dataset:
        """Reads a range of the records without reading the shards beside it.

        Args:
            first: Index of the first record. Behind the last record, the first one follows.
            count: Number of records; at most all.
            order: Permutation of the shards, which then follow each other in this order.

        Returns:
            Dataset of serialized tf.Examples, string [].
        """
        pieces = self._pieces(first % len(self), count, order or range(len(self.files)))
        files, skipped, taken = zip(*pieces, strict=True)

        def piece(file: tf.Tensor, skip: tf.Tensor, take: tf.Tensor) -> tf.data.Dataset:
            return tf.data.TFRecordDataset(file, compression_type="GZIP").skip(skip).take(take)

        rows = np.array(files), np.array(skipped, np.int64), np.array(taken, np.int64)
        return tf.data.Dataset.from_tensor_slices(rows).flat_map(piece)

    def check_unchanged(self) -> None:
        """Checks that the shards are those that were read at first: an epoch of others would be another one.

        Raises:
            UserError: A shard was changed or removed.
        """
        for file, stamp in zip(self.files, self.stamps, strict=True):
            if _stamp(file) != stamp:
                raise UserError(
                    f"{file} was changed or removed during the training, which reads it in each epoch "
                    "(trainer.cache none); run again"
                )

    def _pieces(self, first: int, count: int, order: Sequence[int]) -> list[tuple[str, int, int]]:
        """File, records to skip and records to take of each part of a range."""
        pieces = []
        # Twice, for a range that begins again at the first record.
        for shard in (*order, *order):
            skip = min(first, self.counts[shard])
            take = min(self.counts[shard] - skip, count)
            if take:
                pieces.append((self.files[shard], skip, take))
            first, count = first - skip, count - take
        return pieces


def find_records(patterns: Sequence[str]) -> Records:
    """Reads all records of a split once, without decoding or keeping them.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.

    Raises:
        UserError: There are no examples, or a shard is missing.
    """
    files = shard_files(patterns)
    stamps = [stamp for file in files if (stamp := _stamp(file))]
    counts, size, digest = [], 0, hashlib.sha256()
    first_names: list[str] = []
    for file in files:
        count = 0
        for names, lengths in _names(file).as_numpy_iterator():
            count += len(names)
            size += int(lengths.sum())
            digest.update(b"".join(len(name).to_bytes(4, "big") + name for name in names))
            first_names = sorted([*first_names, *(name.decode() for name in names)])[:KEPT_BY_ALL]
        counts.append(count)
    if not sum(counts):
        raise no_examples(patterns)
    return Records(files, counts, size, digest.hexdigest(), first_names, stamps)


def _stamp(file: str) -> tuple[int, int] | None:
    """Size and time of the last change; None where there is no such file."""
    try:
        status = tf.io.gfile.stat(file)
    except tf.errors.NotFoundError:
        return None
    return status.length, status.mtime_nsec


def _names(file: str) -> tf.data.Dataset:
    """Batches of the names and the lengths of the records of a shard."""

    def describe(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        names = tf.io.parse_example(records, {"image/name": tf.io.FixedLenFeature([], tf.string)})
        return names["image/name"], tf.strings.length(records)

    batches = tf.data.TFRecordDataset(file, compression_type="GZIP").batch(64)
    return without_autotuning(batches.map(describe, num_parallel_calls=PARALLEL).prefetch(2))
