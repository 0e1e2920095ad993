"""Gray squares over photos."""

from __future__ import annotations

from pydantic import Field

from petseg.class_table import CLASS_ID_IGNORED
from petseg.settings import Settings
from trainer.data.augmentation.augmentation import Augmentation
from trainer.lazy_imports import tf

GRAY_LEVEL = 127.5


class CutoutSettings(Settings):
    """Settings of the squares."""

    cutout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Largest side of a gray square, as a share of the image's shorter side. "
        "Its pixels are ignored.",
    )


def cut_out_randomly(
    images: tf.Tensor, masks: tf.Tensor, draws: tf.Tensor, settings: CutoutSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts a square of random size and position out of each photo; see `Augmentation.apply`."""
    side, x, y = tf.unstack(draws, 3, axis=1)
    return cut_out(images, masks, settings.cutout * side, x, y)


def cut_out(
    images: tf.Tensor, masks: tf.Tensor, side: tf.Tensor, x: tf.Tensor, y: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Paints a gray square over each photo (DeVries and Taylor 2017); its mask pixels are ignored.

    Args:
        images: float32 [n, H, W, 3].
        masks: uint8 [n, H, W].
        side: float32 [n], as a share of the image's shorter side.
        x: float32 [n], position of the square, from 0 (left) to 1 (right).
        y: float32 [n], position of the square, from 0 (top) to 1 (bottom).

    Returns:
        Images and masks.
    """
    height, width = images.shape[1:3]

    def covered(position: tf.Tensor, length: int) -> tf.Tensor:
        share = side * (min(height, width) / length)
        start = (position * (1 - share))[:, tf.newaxis]
        pixels = (tf.range(length, dtype=tf.float32) + 0.5) / length
        return tf.logical_and(pixels >= start, pixels < start + share[:, tf.newaxis])

    square = tf.logical_and(covered(y, height)[:, :, tf.newaxis], covered(x, width)[:, tf.newaxis])
    ignored = tf.constant(CLASS_ID_IGNORED, masks.dtype)
    return tf.where(square[..., tf.newaxis], GRAY_LEVEL, images), tf.where(square, ignored, masks)


AUGMENTATION = Augmentation(CutoutSettings, 3, lambda settings: settings.cutout > 0, cut_out_randomly)
