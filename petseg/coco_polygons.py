"""Outlines of masks as COCO's polygons, which `coco_rle.fill_polygon` fills to the same pixels again."""

from dataclasses import dataclass

import contourpy
import numpy as np


@dataclass(frozen=True)
class Outline:
    """The outer boundary of connected pixels. What lies in a hole of theirs has an outline of its own.

    Attributes:
        points: float64 [points, 2], x and y of each corner; pixel centers are at 0.5.
        area: Of the filled outline in pixels. An outline within another one has the smaller area.
    """

    points: np.ndarray
    area: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """X and y of the upper left corner, width and height."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def outlines(mask: np.ndarray) -> list[Outline]:
    """Outlines of the connected parts of a mask, with diagonals instead of the corners of pixels.

    Args:
        mask: bool [height, width].

    Returns:
        One for each part of pixels that have a side in common.

    Examples:
        >>> mask = np.zeros((4, 5), bool)
        >>> mask[1:3, 1:4] = True
        >>> [outline.area for outline in outlines(mask)]
        [5.5]
    """
    padded = np.pad(mask.astype(np.float64), 1)
    generator = contourpy.contour_generator(z=padded, fill_type=contourpy.FillType.OuterOffset)
    found = []
    for part, ends in zip(*generator.filled(0.5, np.inf), strict=True):
        # The center of pixel 0 is at 1 in the padded grid. The last point is the first again.
        corners = _without_straight(part[: ends[1] - 1] - 0.5)
        x, y = corners.T
        area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
        found.append(Outline(corners, area))
    return found


def _without_straight(points: np.ndarray) -> np.ndarray:
    """Drops points on a straight line between their neighbors."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return points[turns != 0]
