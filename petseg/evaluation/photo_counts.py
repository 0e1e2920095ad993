"""The counts of each photo, as photos.parquet holds them: one column for each output and resolution.

A column is a list<int64>; its field says the array's shape. Small arrays are there as they are, row major. Of
large ones, such as the confusion of many classes, a photo has only the cells that are not zero: first their
positions, row major, then their values. So the file grows with what is in the photos, not with the square of
the number of classes.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from petseg.evaluation.resolutions import FORMER_NATIVE, Resolution
from petseg.metrics.counting import BOUNDARY, CALIBRATION, CONFUSION
from petseg.metrics.iou import intersection_and_union

SPARSE_FROM = 1024
"""Cells of an array from which on only those that are not zero are stored: the confusion of 32 classes."""

_SHAPE = b"shape"
_LAYOUT, _SPARSE = b"layout", b"sparse"
_ROWS_AT_A_TIME = 64


def counts_column(output: str, resolution: Resolution) -> str:
    """Name of the column with the counts of an output of `evaluate`."""
    return f"{output}_{resolution}"


def counts_field(output: str, resolution: Resolution, shape: Sequence[int]) -> pa.Field:
    """The column in a schema of Arrow; `shape` is that of one photo's array."""
    metadata = {_SHAPE: json.dumps(list(shape)).encode()}
    if math.prod(shape) >= SPARSE_FROM:
        metadata[_LAYOUT] = _SPARSE
    return pa.field(counts_column(output, resolution), pa.list_(pa.int64()), metadata=metadata)


def stored_counts(counts: NDArray[np.int64]) -> list[int]:
    """One photo's array as a column of `counts_field` holds it."""
    flat = counts.ravel()
    if flat.size < SPARSE_FROM:
        return flat.tolist()
    positions = np.flatnonzero(flat)
    return [*positions.tolist(), *flat[positions].tolist()]


def read_counts(
    photos: pa.Table, output: str, resolution: Resolution, classes: int
) -> NDArray[np.int64] | None:
    """The counts of each photo.

    Args:
        photos: Rows of photos.parquet.
        output: Output of `evaluate`.
        resolution: Where they were counted.
        classes: Number of classes.

    Returns:
        int64 [photos, *shape of the output]; None where they were not counted, because the run or its model
        is of an older version.
    """
    column = counts_column(output, resolution)
    if resolution == "native" and column not in photos.column_names:
        column = f"{output}_{FORMER_NATIVE}"
    if column not in photos.column_names or photos.column(column).null_count:
        return None
    metadata = photos.field(column).metadata or {}
    shape = json.loads(metadata[_SHAPE]) if _SHAPE in metadata else _former_shape(output, classes)
    lists = photos.column(column).combine_chunks()
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    if metadata.get(_LAYOUT) == _SPARSE:
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        flat = _filled(flat, lengths, math.prod(shape))
    return flat.reshape(len(photos), *shape)


def _filled(flat: NDArray[np.int64], lengths: NDArray[np.int64], cells: int) -> NDArray[np.int64]:
    """Whole arrays, int64 [photos, cells], of lists of positions and values, one after the other."""
    filled = np.zeros((len(lengths), cells), np.int64)
    ends = np.cumsum(lengths)
    for photo, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        positions, values = flat[end - length : end].reshape(2, -1)
        filled[photo, positions] = values
    return filled


def summed_counts(
    photos: pa.Table, output: str, resolution: Resolution, classes: int
) -> NDArray[np.int64] | None:
    """The sum of `read_counts` over the photos, in the memory of a few; None where that is None."""
    total = None
    for some in _in_parts(photos):
        counts = read_counts(some, output, resolution, classes)
        if counts is None:
            return None
        total = counts.sum(axis=0) if total is None else total + counts.sum(axis=0)
    return total


def summed_confusion(photos: pa.Table, resolution: Resolution, classes: int) -> NDArray[np.int64]:
    """The sum of `read_confusion` over the photos, in the memory of a few, int64 [classes, classes]."""
    parts = [read_confusion(some, resolution, classes).sum(axis=0) for some in _in_parts(photos)]
    return np.sum(parts, axis=0)


def read_overlaps(photos: pa.Table, resolution: Resolution, classes: int) -> NDArray[np.int64]:
    """`intersection_and_union` of each photo, which IoU is made of, in the memory of a few photos' confusion.

    Args:
        photos: Rows of photos.parquet.
        resolution: Where they were counted.
        classes: Number of classes.

    Returns:
        int64 [photos, 2, classes].

    Raises:
        ValueError: If the confusion counts are missing.
    """
    parts = [intersection_and_union(read_confusion(some, resolution, classes)) for some in _in_parts(photos)]
    return np.concatenate(parts)


def _in_parts(photos: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, max(len(photos), 1), _ROWS_AT_A_TIME):
        yield photos.slice(start, _ROWS_AT_A_TIME)


def read_confusion(photos: pa.Table, resolution: Resolution, classes: int) -> NDArray[np.int64]:
    """The confusion counts of each photo, which every version of photos.parquet has.

    They are large where photos and classes are many; `summed_counts` and `read_overlaps` need less memory.

    Args:
        photos: Rows of photos.parquet.
        resolution: Where they were counted.
        classes: Number of classes.

    Returns:
        int64 [photos, classes, classes], labels by prediction.

    Raises:
        ValueError: If they are missing.
    """
    counts = read_counts(photos, CONFUSION, resolution, classes)
    if counts is None:
        raise ValueError(f"photos.parquet has no column {counts_column(CONFUSION, resolution)}")
    return counts


def examples_digest(file: str | Path, classes: int) -> str:
    """SHA-256 of the evaluated examples: their names, and how many pixels of each class their masks have.

    Equal digests mean that two models were evaluated on the same examples, whatever they predicted.

    Args:
        file: photos.parquet, sorted by name.
        classes: Number of classes.
    """
    digest = hashlib.sha256()
    for names, confusion in iterate_confusion(file, classes):
        for name, pixels in zip(names, confusion.sum(axis=-1).tolist(), strict=True):
            digest.update(f"{json.dumps(name)} {pixels}\n".encode())
    return digest.hexdigest()


def iterate_confusion(file: str | Path, classes: int) -> Iterator[tuple[list[str], NDArray[np.int64]]]:
    """Yields names and confusion counts at native resolution, some photos at a time, for less memory.

    Args:
        file: photos.parquet.
        classes: Number of classes.

    Yields:
        Names [n], and int64 [n, classes, classes], labels by prediction.
    """
    columns = ["name", counts_column(CONFUSION, "native")]
    for batch in pq.ParquetFile(file).iter_batches(_ROWS_AT_A_TIME, columns=columns):
        rows = pa.Table.from_batches([batch])
        yield rows["name"].to_pylist(), read_confusion(rows, "native", classes)


def _former_shape(output: str, classes: int) -> list[int]:
    """Shape of a column of the last release, which did not say it."""
    return {CONFUSION: [classes, classes], BOUNDARY: [classes, 2], CALIBRATION: [-1, 3]}[output]
