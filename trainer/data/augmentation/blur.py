"""Blurred photos."""

from __future__ import annotations

from pydantic import Field

from petseg.settings import Settings
from trainer.data.augmentation.augmentation import Augmentation
from trainer.lazy_imports import tf

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""Nearly a Gaussian with a standard deviation of one pixel."""


class BlurSettings(Settings):
    """Settings of the blur."""

    blur: float = Field(0.0, ge=0, le=1, description="Share of the photos that are blurred.")


def blur_some(
    images: tf.Tensor, masks: tf.Tensor, draws: tf.Tensor, settings: BlurSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    """Blurs some photos by a random strength; see `Augmentation.apply`."""
    blurred, sharpness = tf.unstack(draws, 2, axis=1)
    return blur(images, tf.where(blurred < settings.blur, 1 - sharpness, 0.0)), masks


def blur(images: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    """Mixes each photo with itself smoothed by a Gaussian of about one pixel.

    Args:
        images: float32 [n, H, W, 3].
        strength: float32 [n], from 0 (as it is) to 1 (smoothed).

    Returns:
        float32 [n, H, W, 3].
    """
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    row = tf.tile(tf.reshape(tf.constant(BINOMIAL), [1, -1, 1, 1]), [1, 1, 3, 1])
    smooth = tf.nn.depthwise_conv2d(padded, row, [1, 1, 1, 1], "VALID")
    smooth = tf.nn.depthwise_conv2d(smooth, tf.transpose(row, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")
    return images + tf.reshape(strength, [-1, 1, 1, 1]) * (smooth - images)


AUGMENTATION = Augmentation(BlurSettings, 2, lambda settings: settings.blur > 0, blur_some)
