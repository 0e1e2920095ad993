"""Run-length encodings and polygons of COCO, decoded as pycocotools does.

The rules are those of `common/maskApi.c` in cocodataset/cocoapi: pixels column by column, runs of 0 and 1 in
turn, beginning with 0. Nothing of pycocotools is needed to read them.
"""

from collections.abc import Sequence

import numpy as np

_UPSAMPLED = 5
"""Boundaries of polygons are walked on a grid that is finer by this."""


def decode_counts(text: str | bytes) -> list[int]:
    """Decodes compressed run lengths (`rleFrString`): 5 bits a character, differences of every second.

    Raises:
        ValueError: The text ends in the middle of a number.
    """
    characters = text.encode("ascii") if isinstance(text, str) else text
    counts: list[int] = []
    number, shift = 0, 0
    for character in characters:
        bits = character - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            number -= 1 << shift
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number, shift = 0, 0
    if shift:
        raise ValueError("the run lengths end in the middle of a number")
    return counts


def encode_counts(counts: Sequence[int]) -> str:
    """The inverse of decode_counts (`rleToString`)."""
    text = []
    for index, count in enumerate(counts):
        number = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits = number & 0x1F
            number >>= 5
            more = number != (-1 if bits & 0x10 else 0)
            text.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(text)


def mask_of_counts(counts: Sequence[int], height: int, width: int) -> np.ndarray:
    """The mask of run lengths.

    Args:
        counts: Lengths of runs of 0 and 1 in turn, column by column.
        height: Pixels.
        width: Pixels.

    Returns:
        bool [height, width].

    Raises:
        ValueError: They do not add up to the mask's pixels.
    """
    lengths = np.asarray(counts, np.int64)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths of {int(lengths.sum())} pixels do not make {width} x {height}")
    runs = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return runs.reshape(width, height).T


def counts_of_mask(mask: np.ndarray) -> list[int]:
    """The inverse of mask_of_counts, from bool [height, width]."""
    flat = np.asarray(mask, bool).T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], changes, [flat.size]])
    return [*([0] if flat.size and flat[0] else []), *np.diff(edges).tolist()]


def fill_polygon(points: Sequence[float], height: int, width: int) -> np.ndarray:
    """Fills a polygon by the rule of `rleFrPoly`: by even and odd crossings of its boundary down each column.

    Args:
        points: x and y of each corner in turn; pixel centers are at 0.5.
        height: Pixels.
        width: Pixels.

    Returns:
        bool [height, width]; what lies outside is cut.
    """
    corners = np.asarray(points, float).reshape(-1, 2)
    # The C code casts to int, which cuts towards 0.
    grid = np.trunc(_UPSAMPLED * corners + 0.5).astype(np.int64)
    boundary = np.concatenate([_line(*edge) for edge in zip(grid, np.roll(grid, -1, axis=0), strict=True)])
    before, after = boundary[:-1], boundary[1:]
    crossing = before[:, 0] != after[:, 0]
    before, after = before[crossing], after[crossing]
    column = (np.minimum(before[:, 0], after[:, 0]) + 0.5) / _UPSAMPLED - 0.5
    row = (np.minimum(before[:, 1], after[:, 1]) + 0.5) / _UPSAMPLED - 0.5
    inside = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    starts = column[inside].astype(np.int64) * height + np.ceil(row[inside].clip(0, height)).astype(np.int64)
    crossings = np.bincount(starts, minlength=height * width + 1)[: height * width]
    return (np.cumsum(crossings) % 2 == 1).reshape(width, height).T


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Points of the fine grid between two corners, int [points, 2]."""
    distance = np.abs(end - start)
    steps, axis = int(distance.max()), int(distance[1] > distance[0])
    flipped = bool(start[axis] > end[axis])
    low, high = (end, start) if flipped else (start, end)
    slope = (high - low)[1 - axis] / steps if steps else 0.0
    walked = np.arange(steps + 1)[::-1] if flipped else np.arange(steps + 1)
    points = np.empty((steps + 1, 2), np.int64)
    points[:, axis] = low[axis] + walked
    points[:, 1 - axis] = np.trunc(low[1 - axis] + slope * walked + 0.5).astype(np.int64)
    return points
