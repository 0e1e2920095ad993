"""What the values of a mask are, and which of them a smaller mask still has."""

import zlib

import numpy as np

THIN = 0.01
"""Share of a mask's pixels below which a value may be lost when the mask is resized."""

MODEL_SIDES = (128, 192, 256, 384, 512)
"""Sides of a model's input for which it is known which values a resized mask still has."""


def count_values(values: np.ndarray) -> dict[int, int]:
    """Number of pixels of each value, ascending."""
    if values.size and values.min() >= 0 and values.max() < 2**16:
        counts = np.bincount(values.ravel())
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    numbers, counts = np.unique(values, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def checksum(values: np.ndarray) -> int:
    """The same for the same values, whatever their type."""
    return zlib.crc32(np.ascontiguousarray(values, np.int32))


def values_kept(values: np.ndarray, counted: dict[int, int]) -> dict[int, frozenset[int]]:
    """Values that are left after resizing to each of MODEL_SIDES by nearest neighbor.

    Args:
        values: [height, width].
        counted: Their pixels. A value that is not THIN is left at any side.
    """
    thick = frozenset(value for value, count in counted.items() if count >= THIN * values.size)
    if len(thick) == len(counted):
        return dict.fromkeys(MODEL_SIDES, thick)
    kept = {}
    for side in MODEL_SIDES:
        rows, columns = (((np.arange(side) + 0.5) * length / side).astype(int) for length in values.shape)
        kept[side] = thick | frozenset(count_values(values[rows][:, columns]))
    return kept


def typical_widths(values: np.ndarray, counted: dict[int, int]) -> dict[int, float]:
    """The typical width of each value's areas in pixels: twice the area by the length of its edges.

    Of a long strip it is the strip's width, of a square half its side.

    Args:
        values: [height, width].
        counted: Their pixels.

    Returns:
        By value; a value without an edge, which fills the whole mask, is not in it.
    """
    edges: dict[int, int] = {}
    for one, other in ((values[:, 1:], values[:, :-1]), (values[1:], values[:-1])):
        differ = one != other
        for side in (one[differ], other[differ]):
            for value, count in count_values(side).items():
                edges[value] = edges.get(value, 0) + count
    return {value: 2 * counted[value] / count for value, count in edges.items()}
