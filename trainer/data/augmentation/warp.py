"""Flips, crops, zooms and rotations: one warp that moves image and mask together."""

from __future__ import annotations

import math

from pydantic import Field

from petseg.class_table import CLASS_ID_IGNORED
from petseg.settings import Settings
from trainer.lazy_imports import tf

WARP_DRAWS = 5
"""Uniform random numbers an example: flip, scale, x, y, angle."""


class WarpSettings(Settings):
    """Settings of the warp."""

    flip: bool = Field(True, description="Mirror half of the training examples left to right.")
    crop_scale: float = Field(
        0.7,
        gt=0,
        le=1,
        description="Smallest side of the random crop, as a share of the image's; 1: no crop.",
    )
    zoom_out: float = Field(
        1.0,
        ge=1,
        le=4,
        description="Largest side of the random crop, as a share of the image's. The area outside "
        "the image shows its reflection, whose pixels are ignored.",
    )
    rotation: float = Field(0.0, ge=0, le=45, description="Largest rotation in degrees.")


def warp(
    images: tf.Tensor,
    masks: tf.Tensor,
    draws: tf.Tensor,
    settings: WarpSettings,
    size: tuple[int, int],
    unit: tuple[int, int],
) -> tuple[tf.Tensor, tf.Tensor]:
    """Flips, crops or zooms out, and rotates, in one interpolation.

    Args:
        images: uint8 [n, h, w, 3].
        masks: uint8 [n, h, w], class ids.
        draws: float32 [n, WARP_DRAWS], uniform in [0, 1).
        settings: What is changed and how strongly.
        size: H and W, height and width of the result in pixels.
        unit: Height and width in pixels of a crop of scale 1.

    Returns:
        Images, float32 [n, H, W, 3], of whole gray levels, and masks, uint8 [n, H, W]; mask pixels from
        outside the image are `CLASS_ID_IGNORED`.
    """
    old_size = (images.shape[1], images.shape[2])
    moves = settings.flip or settings.crop_scale < 1 or settings.zoom_out > 1 or settings.rotation
    if not moves and size == old_size:
        return tf.cast(images, tf.float32), masks
    _, scale, x, y, angle = tf.unstack(draws, WARP_DRAWS, axis=1)
    matrices = warp_matrices(
        old_size,
        size,
        unit,
        flip=tf.cast(mirrored(draws, settings), tf.float32),
        scale=settings.crop_scale + (settings.zoom_out - settings.crop_scale) * scale,
        x=x,
        y=y,
        angle=(2 * angle - 1) * math.radians(settings.rotation),
    )
    return move(images, masks, matrices, size)


def mirrored(draws: tf.Tensor, settings: WarpSettings) -> tf.Tensor:
    """Which training examples are mirrored left to right, bool [n]; for `draws` see `augment`."""
    return tf.logical_and(settings.flip, draws[:, 0] < 0.5)


def warp_matrices(
    old_size: tuple[int, int],
    new_size: tuple[int, int],
    unit: tuple[int, int],
    flip: tf.Tensor,
    scale: tf.Tensor,
    x: tf.Tensor,
    y: tf.Tensor,
    angle: tf.Tensor,
) -> tf.Tensor:
    """Matrices that map the pixels of the new image to those of the old one.

    Args:
        old_size: Height and width of the old image in pixels.
        new_size: Height and width of the new image in pixels.
        unit: Height and width in pixels of a crop of scale 1.
        flip: float32 [n], 1 where the image is mirrored left to right, else 0.
        scale: float32 [n], sides of the crop as a share of `unit`; the image lies in a crop that is larger.
        x: float32 [n], position of the crop, from 0 (left) to 1 (right).
        y: float32 [n], position of the crop, from 0 (top) to 1 (bottom).
        angle: float32 [n], rotation in radians.

    Returns:
        float32 [n, 8], as ImageProjectiveTransformV3 takes them.
    """
    mirror = 1 - 2 * flip
    cosine, sine = tf.cos(angle), tf.sin(angle)

    def row(axis: int, position: tf.Tensor, along_x: tf.Tensor, along_y: tf.Tensor) -> list[tf.Tensor]:
        """Where the new pixel (x, y) lies on an axis of the old image: along_x x + along_y y + offset."""
        step = scale * (unit[axis] / new_size[axis])
        along_x, along_y = step * along_x, step * along_y
        room = (1 - scale * (unit[axis] / old_size[axis])) * old_size[axis]
        center = (old_size[axis] - 1) / 2 + (position - 0.5) * room
        # In this order of operations, a square image is warped to the bit as before there were others.
        height, width = new_size[0] - 1, new_size[1] - 1
        return [along_x, along_y, center - (along_x * (width / height) + along_y) * (height / 2)]

    zero = tf.zeros_like(scale)
    of_x = row(1, x, cosine * mirror, -sine)
    of_y = row(0, y, sine * mirror, cosine)
    return tf.stack([*of_x, *of_y, zero, zero], axis=1)


def move(
    images: tf.Tensor, masks: tf.Tensor, matrices: tf.Tensor, size: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Applies one matrix per example: bilinear and mirrored at the edges for images, nearest pixel for masks.

    Args:
        images: uint8 [n, h, w, 3].
        masks: uint8 [n, h, w].
        matrices: float32 [n, 8], see `warp_matrices`.
        size: H and W, height and width of the result in pixels.

    Returns:
        Images, float32 [n, H, W, 3], of whole gray levels as photos are evaluated, and masks, uint8
        [n, H, W].
    """
    images = tf.raw_ops.ImageProjectiveTransformV3(
        # Of integers it cuts the fractions off, which makes photos half a gray level darker.
        images=tf.cast(images, tf.float32),
        transforms=matrices,
        output_shape=size,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    masks = tf.raw_ops.ImageProjectiveTransformV3(
        images=masks[..., tf.newaxis],
        transforms=matrices,
        output_shape=size,
        fill_value=float(CLASS_ID_IGNORED),
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )
    return tf.round(images), masks[..., 0]
