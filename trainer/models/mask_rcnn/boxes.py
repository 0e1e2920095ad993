"""Boxes: overlap, offsets between two, and reading and drawing what lies in one.

A box is its top, left, bottom and right edge in pixels of the model's input, float32 [..., 4]; the photo runs
from 0 to S. Plain Keras, differentiable wherever the mathematics is.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any

SMALLEST_SIDE = 4.0
"""Pixels. What is drawn from a thinner box would be noise."""
OFFSET_SCALE = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
"""Offsets are given in these, so that the usual ones are about 1 (Girshick 2015, "Fast R-CNN")."""
LARGEST_LOG_SCALE = 4.0
"""Beyond it the exponential of an untrained network overflows."""


def corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Top left and bottom right, each [..., 2]."""
    return boxes[..., :2], boxes[..., 2:]


def centers_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Center (y, x) and sides (height, width), each [..., 2]."""
    low, high = corners(boxes)
    return (low + high) / 2, high - low


def box_iou(one: Tensor, other: Tensor) -> Tensor:
    """Area of the intersection by that of the union, of boxes [..., 4] whose leading axes broadcast."""
    (low, high), (other_low, other_high) = corners(one), corners(other)
    both = ops.prod(ops.maximum(ops.minimum(high, other_high) - ops.maximum(low, other_low), 0), axis=-1)
    either = ops.prod(high - low, axis=-1) + ops.prod(other_high - other_low, axis=-1) - both
    return both / ops.maximum(either, keras.config.epsilon())


def box_offsets(boxes: Tensor, targets: Tensor) -> Tensor:
    """How to get from boxes to targets: shift of the center in sides, logarithms of the sides' quotients.

    Girshick et al. 2014, "Rich feature hierarchies". Both [..., 4]; the result, [..., 4], is (dy, dx, dh, dw)
    by `OFFSET_SCALE`.
    """
    (center, side), (target_center, target_side) = centers_and_sides(boxes), centers_and_sides(targets)
    side, target_side = (ops.maximum(value, keras.config.epsilon()) for value in (side, target_side))
    offsets = ops.concatenate([(target_center - center) / side, ops.log(target_side / side)], axis=-1)
    return offsets / OFFSET_SCALE


def move_boxes(boxes: Tensor, offsets: Tensor) -> Tensor:
    """The inverse of `box_offsets`."""
    offsets = offsets * OFFSET_SCALE
    center, side = centers_and_sides(boxes)
    center = center + offsets[..., :2] * side
    side = side * ops.exp(ops.clip(offsets[..., 2:], -LARGEST_LOG_SCALE, LARGEST_LOG_SCALE))
    return ops.concatenate([center - side / 2, center + side / 2], axis=-1)


def clip_boxes(boxes: Tensor, size: int) -> Tensor:
    """Keeps boxes in a photo of `size` pixels a side, and no side shorter than `SMALLEST_SIDE`."""
    low, high = corners(boxes)
    low = ops.clip(low, 0, size - SMALLEST_SIDE)
    return ops.concatenate([low, ops.clip(high, low + SMALLEST_SIDE, size)], axis=-1)


def read_boxes(feature: Tensor, boxes: Tensor, stride: int, bins: int) -> Tensor:
    """RoIAlign (He et al. 2017): the feature under each box, in a grid of `bins` by `bins`.

    Each bin is the mean of 2 x 2 points, each interpolated bilinearly. That weighs rows and columns one after
    the other, so it is two matrix products.

    Args:
        feature: float [n, h, w, channels].
        boxes: float32 [n, k, 4].
        stride: pixels of the photo that a place of the feature stands for.
        bins: side of the grid.

    Returns:
        float [n, k, bins, bins, channels].
    """
    rows = _reading_weights(boxes[..., 0], boxes[..., 2], feature.shape[1], stride, bins)
    columns = _reading_weights(boxes[..., 1], boxes[..., 3], feature.shape[2], stride, bins)
    read = ops.einsum("nkph,nhwc->nkpwc", rows, feature)
    return ops.einsum("nkqw,nkpwc->nkpqc", columns, read)


def draw_boxes(grids: Tensor, boxes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The inverse of `read_boxes`: stretches each grid over its box in a photo, bilinearly.

    Args:
        grids: float [n, bins, bins, channels].
        boxes: float32 [n, 4].
        size: side of the photo in pixels.

    Returns:
        What was drawn, float [n, size, size, channels], zero outside the box; and 1 where a pixel's center
        lies in the box, else 0, float [n, size, size, 1].
    """
    rows, in_rows = _drawing_weights(boxes[:, 0], boxes[:, 2], size, grids.shape[1])
    columns, in_columns = _drawing_weights(boxes[:, 1], boxes[:, 3], size, grids.shape[2])
    drawn = ops.einsum("nxq,nyqc->nyxc", columns, ops.einsum("nyp,npqc->nyqc", rows, grids))
    return drawn, (in_rows[:, :, None] * in_columns[:, None, :])[..., None]


def _reading_weights(low: Tensor, high: Tensor, places: int, stride: int, bins: int) -> Tensor:
    """What each place of a feature counts in each bin between two edges: [n, k] to [n, k, bins, places]."""
    points = (ops.arange(2 * bins, dtype="float32") + 0.5) / (2 * bins)
    positions = low[..., None] + points * (high - low)[..., None]
    weights = _linear_weights(positions / stride - 0.5, places)
    return ops.mean(ops.reshape(weights, (-1, weights.shape[1], bins, 2, places)), axis=3)


def _drawing_weights(low: Tensor, high: Tensor, size: int, bins: int) -> tuple[Tensor, Tensor]:
    """What each bin between two edges, [n], counts at each pixel, [n, size, bins]; 1 inside, [n, size]."""
    pixels = ops.arange(size, dtype="float32") + 0.5
    low, high = low[:, None], high[:, None]
    inside = ops.cast(ops.logical_and(pixels >= low, pixels <= high), "float32")
    weights = _linear_weights((pixels - low) / (high - low) * bins - 0.5, bins)
    return weights * inside[..., None], inside


def _linear_weights(positions: Tensor, places: int) -> Tensor:
    """Weights of linear interpolation at `positions` among places 0, 1, ...: [...] to [..., places]."""
    positions = ops.clip(positions, 0, places - 1)[..., None]
    return ops.maximum(1 - ops.abs(positions - ops.arange(places, dtype="float32")), 0)
