"""The outlines of what a mask shows, along the edges of its pixels, as polygons that fill it exactly."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Ring = list[tuple[int, int]]
"""Corners x, y of a closed line; the first is not repeated. Pixel x, y covers x to x + 1 and y to y + 1."""

STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Right, down, left, up: the inside lies to the right of each step."""


def polygons_of(mask: NDArray[np.bool_]) -> list[list[Ring]]:
    """The connected parts of a mask, bool [h, w], as polygons: the outer ring of each, then its holes.

    Pixels that touch at a corner only are not connected, so no ring crosses itself.
    """
    parts, count = ndimage.label(mask)
    polygons: list[list[Ring]] = [[] for _ in range(count)]
    for (row, column), ring in _rings(mask):
        polygon = polygons[parts[row, column] - 1]
        # The outer ring runs clockwise, holes run the other way.
        polygon.insert(0 if ring_area(ring) > 0 else len(polygon), ring)
    return polygons


def ring_area(ring: Ring) -> float:
    """Area in pixels; negative if the ring runs counterclockwise in an image, whose y points down."""
    corners = np.asarray(ring, np.float64)
    x, y = corners.T
    next_x, next_y = np.roll(corners, -1, axis=0).T
    return float(np.sum(x * next_y - next_x * y)) / 2


def _rings(mask: NDArray[np.bool_]) -> Iterator[tuple[tuple[int, int], Ring]]:
    """Each ring, and a pixel inside of it at its edge."""
    open_steps = _boundary_steps(mask)
    for start_y, start_x in np.argwhere(open_steps[0]):
        if not open_steps[0][start_y, start_x]:
            continue
        x, y, direction = int(start_x), int(start_y), 0
        ring: Ring = []
        while open_steps[direction][y, x]:
            open_steps[direction][y, x] = False
            x, y = x + STEPS[direction][0], y + STEPS[direction][1]
            # A turn to the right stays at the same pixel.
            turns = (turn % 4 for turn in (direction + 1, direction, direction + 3))
            turned = next((turn for turn in turns if open_steps[turn][y, x]), 0)
            # No step is left where the ring is closed: it began to the right.
            if turned != direction:
                ring.append((x, y))
            direction = turned
        yield (int(start_y), int(start_x)), ring


def _boundary_steps(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """For each direction, bool [h + 1, w + 1]: whether a step of the boundary begins at the corner."""
    height, width = mask.shape
    steps = [np.zeros((height + 1, width + 1), bool) for _ in STEPS]
    padded = np.pad(mask, 1)
    steps[0][:height, :width] = mask & ~padded[:-2, 1:-1]
    steps[1][:height, 1:] = mask & ~padded[1:-1, 2:]
    steps[2][1:, 1:] = mask & ~padded[2:, 1:-1]
    steps[3][1:, :width] = mask & ~padded[1:-1, :-2]
    return steps
