"""Operations on boxes: overlap, offsets, and reading and drawing the content of a box.

A box is its top, left, bottom and right edge in pixels of the model's input, float32 [..., 4]. The photo
extends from 0 to H and to W. Plain Keras, differentiable.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any

SMALLEST_SIDE = 4.0
"""Pixels. A thinner box would be drawn as noise."""
OFFSET_SCALE = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
"""Unit of offsets, so that typical ones are about 1 (Girshick 2015, "Fast R-CNN")."""
LARGEST_LOG_SCALE = 4.0
"""Limit for the exponential, which would overflow in an untrained network."""


def corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Top left and bottom right, each [..., 2]."""
    return boxes[..., :2], boxes[..., 2:]


def centers_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Center (y, x) and sides (height, width), each [..., 2]."""
    low, high = corners(boxes)
    return (low + high) / 2, high - low


def box_iou(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes [..., 4] whose leading axes broadcast."""
    (low, high), (other_low, other_high) = corners(one), corners(other)
    both = ops.prod(ops.maximum(ops.minimum(high, other_high) - ops.maximum(low, other_low), 0), axis=-1)
    either = ops.prod(high - low, axis=-1) + ops.prod(other_high - other_low, axis=-1) - both
    return both / ops.maximum(either, keras.config.epsilon())


def box_offsets(boxes: Tensor, targets: Tensor) -> Tensor:
    """Offsets from boxes to targets: shift of the center in sides, and logarithms of the ratios of the sides.

    Girshick et al. 2014, "Rich feature hierarchies". Both are [..., 4]. The result, [..., 4], is
    (dy, dx, dh, dw) in units of `OFFSET_SCALE`.
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


def clip_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Clips boxes to a photo of a height and width in pixels, with sides of at least `SMALLEST_SIDE`."""
    low, high = corners(boxes)
    sides = np.array(size, np.float32)
    low = ops.minimum(ops.maximum(low, 0), sides - SMALLEST_SIDE)
    high = ops.minimum(ops.maximum(high, low + SMALLEST_SIDE), sides)
    return ops.concatenate([low, high], axis=-1)


def read_boxes(feature: Tensor, boxes: Tensor, stride: int, bins: int) -> Tensor:
    """RoIAlign (He et al. 2017): the feature under each box, in a grid of `bins` by `bins`.

    Each bin is the mean of 2 x 2 points, each interpolated bilinearly. Rows and columns are weighted one
    after the other, as two matrix products.

    Args:
        feature: float [n, h, w, channels].
        boxes: float32 [n, k, 4].
        stride: stride of the feature.
        bins: side of the grid.

    Returns:
        float [n, k, bins, bins, channels].
    """
    rows = _reading_weights(boxes[..., 0], boxes[..., 2], feature.shape[1], stride, bins)
    columns = _reading_weights(boxes[..., 1], boxes[..., 3], feature.shape[2], stride, bins)
    read = ops.einsum("nkph,nhwc->nkpwc", rows, feature)
    return ops.einsum("nkqw,nkpwc->nkpqc", columns, read)


def draw_boxes(grids: Tensor, boxes: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The inverse of `read_boxes`: stretches each grid over its box in a photo, bilinearly.

    Args:
        grids: float [n, bins, bins, channels].
        boxes: float32 [n, 4].
        size: height and width of the photo in pixels.

    Returns:
        The drawing, float [n, H, W, channels], zero outside the box; and float [n, H, W, 1], 1
        where the center of a pixel is in the box, else 0.
    """
    rows, in_rows = _drawing_weights(boxes[:, 0], boxes[:, 2], size[0], grids.shape[1])
    columns, in_columns = _drawing_weights(boxes[:, 1], boxes[:, 3], size[1], grids.shape[2])
    drawn = ops.einsum("nxq,nyqc->nyxc", columns, ops.einsum("nyp,npqc->nyqc", rows, grids))
    return drawn, (in_rows[:, :, None] * in_columns[:, None, :])[..., None]


def _reading_weights(low: Tensor, high: Tensor, length: int, stride: int, bins: int) -> Tensor:
    """Weight of each position of a feature in each bin between two edges: [n, k] to [n, k, bins, length]."""
    points = (ops.arange(2 * bins, dtype="float32") + 0.5) / (2 * bins)
    positions = low[..., None] + points * (high - low)[..., None]
    weights = _linear_weights(positions / stride - 0.5, length)
    return ops.mean(ops.reshape(weights, (-1, weights.shape[1], bins, 2, length)), axis=3)


def _drawing_weights(low: Tensor, high: Tensor, size: int, bins: int) -> tuple[Tensor, Tensor]:
    """Weight of each bin between two edges [n] at each pixel, [n, size, bins]; 1 inside, [n, size]."""
    pixels = ops.arange(size, dtype="float32") + 0.5
    low, high = low[:, None], high[:, None]
    inside = ops.cast(ops.logical_and(pixels >= low, pixels <= high), "float32")
    weights = _linear_weights((pixels - low) / (high - low) * bins - 0.5, bins)
    return weights * inside[..., None], inside


def _linear_weights(positions: Tensor, length: int) -> Tensor:
    """Weights of linear interpolation at `positions` on a grid 0, 1, ...: [...] to [..., length]."""
    positions = ops.clip(positions, 0, length - 1)[..., None]
    return ops.maximum(1 - ops.abs(positions - ops.arange(length, dtype="float32")), 0)
