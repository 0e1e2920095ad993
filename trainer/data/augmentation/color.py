"""Random brightness, contrast and saturation, and photos without color."""

from __future__ import annotations

from pydantic import Field

from petseg.settings import Settings
from trainer.data.augmentation.augmentation import Augmentation
from trainer.lazy_imports import tf

LUMA = (0.299, 0.587, 0.114)


class ColorSettings(Settings):
    """Settings of the colors."""

    color: float = Field(
        0.2, ge=0, le=1, description="Strength of random brightness, contrast and saturation; 0: none."
    )
    gray: float = Field(0.0, ge=0, le=1, description="Share of the photos that lose their color.")


def change_colors(
    images: tf.Tensor, masks: tf.Tensor, draws: tf.Tensor, settings: ColorSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes brightness, contrast and saturation, and makes some photos gray; see `Augmentation.apply`."""
    brightness, contrast, saturation, gray = tf.unstack(draws, 4, axis=1)

    def factor(draw: tf.Tensor) -> tf.Tensor:
        return 1 + settings.color * (2 * draw - 1)

    colors = tf.where(gray < settings.gray, 0.0, factor(saturation))
    return recolor(images, factor(brightness), factor(contrast), colors), masks


def recolor(
    images: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor, saturation: tf.Tensor
) -> tf.Tensor:
    """Scales saturation, then contrast around the mean gray of the image, then brightness.

    All three are linear in the pixel, so one sum does them all.

    Args:
        images: float32 [n, H, W, 3], 0 to 255.
        brightness: float32 [n], factor.
        contrast: float32 [n], factor.
        saturation: float32 [n], factor.

    Returns:
        float32 [n, H, W, 3], clipped to 0 to 255.
    """
    color = tf.reshape(brightness * contrast * saturation, [-1, 1, 1, 1])
    gray = tf.reshape(brightness * contrast * (1 - saturation), [-1, 1, 1, 1])
    luma = tf.tensordot(images, tf.constant(LUMA), axes=1)[..., tf.newaxis]
    mean = tf.reduce_mean(luma, axis=(1, 2, 3), keepdims=True)
    offset = tf.reshape(brightness * (1 - contrast), [-1, 1, 1, 1]) * mean
    return tf.clip_by_value(images * color + (luma * gray + offset), 0.0, 255.0)


AUGMENTATION = Augmentation(
    ColorSettings, 4, lambda settings: bool(settings.color or settings.gray), change_colors
)
