"""Layers of Mask R-CNN that propose, select, read and draw boxes."""

import keras
import numpy as np
from keras import layers, ops

from trainer.models.mask_rcnn.boxes import (
    box_iou,
    centers_and_sides,
    clip_boxes,
    draw_boxes,
    move_boxes,
    read_boxes,
)

LEVEL_STRIDES = (4, 8, 16, 32)
ANCHOR_SCALE = 4
"""Side of a square anchor in pixels of its level."""
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
"""Height by width."""

PROPOSALS_BEFORE_NMS = 64
PROPOSALS = 16
OVERLAP_OF_DUPLICATES = 0.7

SIDE_AT_STRIDE_16 = 224
"""Boxes of this many pixels or more are read from stride 16: the size that encoders are pretrained with."""
CONTEXT = 0.1
"""Margin on each edge of the box that the mask sees, as a share of the box: the box may be slightly off."""


def anchors(size: tuple[int, int]) -> np.ndarray:
    """Anchor boxes for photos of a height and width, float32 [anchors, 4], finest level first, row by row."""
    levels = []
    for stride in LEVEL_STRIDES:
        rows, columns = ((np.arange(side // stride) + 0.5) * stride for side in size)
        y, x = np.meshgrid(rows, columns, indexing="ij")
        sides = [ANCHOR_SCALE * stride * np.array([ratio**0.5, ratio**-0.5]) for ratio in ANCHOR_RATIOS]
        center = np.stack([y, x], axis=-1)[:, :, None]
        boxes = np.concatenate([center - np.array(sides) / 2, center + np.array(sides) / 2], axis=-1)
        levels.append(boxes.reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


class _OfOnePhotoSize(layers.Layer):
    """Base of the layers that depend on the size of the photo and compute in float32.

    Args:
        size: Height and width of the photo in pixels.
    """

    def __init__(self, size: tuple[int, int], **keywords):
        super().__init__(**{"dtype": "float32"} | keywords)
        # A config that was read from JSON has a list.
        self.size: tuple[int, int] = tuple(size)  # type: ignore[assignment]

    def get_config(self):
        return super().get_config() | {"size": self.size}


@keras.saving.register_keras_serializable("petseg")
class Proposals(_OfOnePhotoSize):
    """The boxes with the highest scores without near duplicates, and the whole photo.

    Inputs: objectness [n, anchors, 1] and offsets [n, anchors, 4]. Output: boxes [n, PROPOSALS, 4]. No
    gradient flows through it, as in Faster R-CNN (Ren et al. 2015).
    """

    def call(self, inputs):  # noqa: D102
        objectness, offsets = (ops.stop_gradient(tensor) for tensor in inputs)
        boxes = clip_boxes(move_boxes(anchors(self.size), offsets), self.size)
        scores, indices = ops.top_k(objectness[..., 0], PROPOSALS_BEFORE_NMS)
        boxes = ops.take_along_axis(boxes, indices[..., None], axis=1)
        overlap = box_iou(boxes[:, :, None], boxes[:, None])
        better = np.tri(PROPOSALS_BEFORE_NMS, k=-1, dtype=np.float32)
        duplicate = ops.max(overlap * better, axis=-1) > OVERLAP_OF_DUPLICATES
        lowest = ops.min(scores, axis=-1, keepdims=True)
        # Duplicates come after all others, in case there are not enough others.
        scores = scores - lowest
        scores = scores + ops.where(duplicate, 0.0, 1.0 + ops.max(scores, axis=-1, keepdims=True))
        indices = ops.top_k(scores, PROPOSALS - 1)[1]
        chosen = ops.take_along_axis(boxes, indices[..., None], axis=1)
        whole = ops.zeros_like(chosen[:, :1]) + np.array([0, 0, *self.size], np.float32)
        return ops.concatenate([chosen, whole], axis=1)

    def compute_output_shape(self, input_shape):  # noqa: D102
        return (input_shape[0][0], PROPOSALS, 4)


@keras.saving.register_keras_serializable("petseg")
class LevelReader(layers.Layer):
    """Reads each box from the level of the pyramid that fits its size, by the rule of Lin et al. 2017.

    Inputs: the levels, [n, H / stride, W / stride, channels], and boxes [n, k, 4]. Output:
    [n, k, bins, bins, channels].
    """

    def __init__(self, bins: int, **keywords):
        super().__init__(**{"dtype": "float32"} | keywords)
        self.bins = bins

    def call(self, inputs):  # noqa: D102
        *pyramid, boxes = inputs
        area = ops.prod(centers_and_sides(boxes)[1], axis=-1)
        doublings = ops.floor(ops.log2(ops.sqrt(area) / SIDE_AT_STRIDE_16))
        strides = 16 * 2 ** ops.clip(doublings, -2, 1)
        read = 0.0
        for feature, stride in zip(pyramid, LEVEL_STRIDES, strict=True):
            belongs = ops.cast(strides == stride, "float32")[..., None, None, None]
            read = read + belongs * read_boxes(feature, boxes, stride, self.bins)
        return read

    def compute_output_shape(self, input_shape):  # noqa: D102
        boxes, feature = input_shape[-1], input_shape[0]
        return (*boxes[:2], self.bins, self.bins, feature[-1])

    def get_config(self):  # noqa: D102
        return super().get_config() | {"bins": self.bins}


@keras.saving.register_keras_serializable("petseg")
class BestBox(_OfOnePhotoSize):
    """The proposal with the highest score, corrected and widened by `CONTEXT`.

    Inputs: boxes [n, k, 4], scores [n, k, 1] and offsets [n, k, 4]. Output: [n, 4]. No gradient flows through
    it.
    """

    def call(self, inputs):  # noqa: D102
        boxes, scores, offsets = (ops.stop_gradient(tensor) for tensor in inputs)
        best = ops.argmax(scores, axis=1)[..., None]
        box, offset = (ops.take_along_axis(tensor, best, axis=1)[:, 0] for tensor in (boxes, offsets))
        box = clip_boxes(move_boxes(box, offset), self.size)
        center, side = centers_and_sides(box)
        half = side * (0.5 + CONTEXT)
        return clip_boxes(ops.concatenate([center - half, center + half], axis=-1), self.size)

    def compute_output_shape(self, input_shape):  # noqa: D102
        return (input_shape[0][0], 4)


@keras.saving.register_keras_serializable("petseg")
class BoxReader(layers.Layer):
    """Reads one box per photo.

    Inputs: a feature [n, h, w, channels] and boxes [n, 4]. Output: [n, bins, bins, channels].
    """

    def __init__(self, stride: int, bins: int, **keywords):
        super().__init__(**{"dtype": "float32"} | keywords)
        self.stride, self.bins = stride, bins

    def call(self, inputs):  # noqa: D102
        feature, boxes = inputs
        return read_boxes(feature, boxes[:, None], self.stride, self.bins)[:, 0]

    def compute_output_shape(self, input_shape):  # noqa: D102
        feature = input_shape[0]
        return (feature[0], self.bins, self.bins, feature[-1])

    def get_config(self):  # noqa: D102
        return super().get_config() | {"stride": self.stride, "bins": self.bins}


@keras.saving.register_keras_serializable("petseg")
class MaskDrawer(_OfOnePhotoSize):
    """Draws a mask into its box. Outside the box, each class has one learned score.

    Inputs: scores [n, bins, bins, classes] and boxes [n, 4]. Output: logits [n, H, W, classes].
    """

    def build(self, input_shape):  # noqa: D102
        self.outside = self.add_weight(shape=input_shape[0][-1:], initializer="zeros", name="outside")

    def call(self, inputs):  # noqa: D102
        mask, boxes = inputs
        drawn, inside = draw_boxes(mask, boxes, self.size)
        return drawn + (1 - inside) * self.outside

    def compute_output_shape(self, input_shape):  # noqa: D102
        mask = input_shape[0]
        return (mask[0], *self.size, mask[-1])
