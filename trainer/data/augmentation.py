"""Random changes of training pairs, a whole batch at once; image and mask always move together.

Nothing here draws random numbers: the caller brings them, one row a pair, so that a pair's change depends
on nothing but those numbers.
"""

import math

import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.augmentation_settings import AugmentationSettings

DRAWS = (8, 6)
"""Uniform numbers in [0, 1) a pair needs: flip, scale, x, y, angle, brightness, contrast, saturation; whether
grey, whether and how much blurred, and side, x and y of the cutout. In groups, which are drawn one after the
other: what a seed does to the first stays the same when a change is added behind."""
DRAWS_PER_PAIR = sum(DRAWS)

LUMA = (0.299, 0.587, 0.114)
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""A Gaussian with a standard deviation of one pixel, nearly."""
GRAY_LEVEL = 127.5


def augment(
    images: tf.Tensor,
    masks: tf.Tensor,
    draws: tf.Tensor,
    settings: AugmentationSettings,
    size: int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Flips, crops or zooms out, rotates, recolours, blurs and cuts squares out of a batch of pairs.

    Args:
        images: uint8 [n, L, L, 3].
        masks: uint8 [n, L, L], class ids.
        draws: float32 [n, DRAWS_PER_PAIR], uniform in [0, 1).
        settings: What is changed and how strongly.
        size: S, height and width of what comes out, in pixels; None: L.

    Returns:
        Images, float32 [n, S, S, 3] from 0 to 255, and masks, uint8 [n, S, S]; mask pixels from outside the
        picture, and those cut out, are `CLASS_ID_IGNORED`.
    """
    _, scale, x, y, angle, brightness, contrast, saturation, gray, blurred, sharpness, *square = tf.unstack(
        draws, DRAWS_PER_PAIR, axis=1
    )
    stored_size = images.shape[1]
    size = size or stored_size
    moves = settings.flip or settings.crop_scale < 1 or settings.zoom_out > 1 or settings.rotation
    if moves or size != stored_size:
        matrices = geometry(
            stored_size,
            size,
            flip=tf.cast(mirrored(draws, settings), tf.float32),
            scale=settings.crop_scale + (settings.zoom_out - settings.crop_scale) * scale,
            x=x,
            y=y,
            angle=(2 * angle - 1) * math.radians(settings.rotation),
        )
        images, masks = move(images, masks, matrices, size)
    images = tf.cast(images, tf.float32)
    if settings.color or settings.gray:

        def factor(draw: tf.Tensor) -> tf.Tensor:
            return 1 + settings.color * (2 * draw - 1)

        colors = tf.where(gray < settings.gray, 0.0, factor(saturation))
        images = recolor(images, factor(brightness), factor(contrast), colors)
    if settings.blur:
        images = blur(images, tf.where(blurred < settings.blur, 1 - sharpness, 0.0))
    if settings.cutout:
        images, masks = cut_out(images, masks, settings.cutout * square[0], *square[1:])
    return images, masks


def mirrored(draws: tf.Tensor, settings: AugmentationSettings) -> tf.Tensor:
    """Which pairs are mirrored left to right, bool [n]; for `draws` see `augment`."""
    return tf.logical_and(settings.flip, draws[:, 0] < 0.5)


def geometry(
    old_size: int,
    new_size: int,
    flip: tf.Tensor,
    scale: tf.Tensor,
    x: tf.Tensor,
    y: tf.Tensor,
    angle: tf.Tensor,
) -> tf.Tensor:
    """Matrices that lead from the pixels of the new picture to those of the old.

    Args:
        old_size: Height and width of the old picture in pixels.
        new_size: Height and width of the new picture in pixels.
        flip: float32 [n], 1 where the picture is mirrored left to right, else 0.
        scale: float32 [n], side of the crop as a share of the picture's; above 1 the picture lies in it.
        x: float32 [n], place of the crop, from 0 (left) to 1 (right).
        y: float32 [n], place of the crop, from 0 (top) to 1 (bottom).
        angle: float32 [n], rotation in radians.

    Returns:
        float32 [n, 8], as ImageProjectiveTransformV3 takes them.
    """
    old_center, new_center = (old_size - 1) / 2, (new_size - 1) / 2
    mirror = 1 - 2 * flip
    step = scale * (old_size / new_size)
    cosine, sine = step * tf.cos(angle), step * tf.sin(angle)
    room = (1 - scale) * old_size
    xx, xy, yx, yy = cosine * mirror, -sine, sine * mirror, cosine
    x_offset = old_center + (x - 0.5) * room - (xx + xy) * new_center
    y_offset = old_center + (y - 0.5) * room - (yx + yy) * new_center
    zero = tf.zeros_like(xx)
    return tf.stack([xx, xy, x_offset, yx, yy, y_offset, zero, zero], axis=1)


def move(images: tf.Tensor, masks: tf.Tensor, matrices: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Applies one matrix a pair: images bilinearly and mirrored at the edges, masks by the nearest pixel.

    Args:
        images: uint8 [n, L, L, 3].
        masks: uint8 [n, L, L].
        matrices: float32 [n, 8], see `geometry`.
        size: S, height and width of what comes out, in pixels.

    Returns:
        uint8 [n, S, S, 3] and [n, S, S].
    """
    images = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrices,
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    masks = tf.raw_ops.ImageProjectiveTransformV3(
        images=masks[..., tf.newaxis],
        transforms=matrices,
        output_shape=[size, size],
        fill_value=float(CLASS_ID_IGNORED),
        interpolation="NEAREST",
        fill_mode="CONSTANT",
    )
    return images, masks[..., 0]


def recolor(
    images: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor, saturation: tf.Tensor
) -> tf.Tensor:
    """Scales saturation, then contrast about the picture's mean grey, then brightness.

    All three are linear in the pixel, so they are done as one sum instead of three passes.

    Args:
        images: float32 [n, S, S, 3], 0 to 255.
        brightness: float32 [n], factor.
        contrast: float32 [n], factor.
        saturation: float32 [n], factor.

    Returns:
        float32 [n, S, S, 3], clipped to 0 to 255.
    """
    color = tf.reshape(brightness * contrast * saturation, [-1, 1, 1, 1])
    gray = tf.reshape(brightness * contrast * (1 - saturation), [-1, 1, 1, 1])
    luma = tf.tensordot(images, tf.constant(LUMA), axes=1)[..., tf.newaxis]
    mean = tf.reduce_mean(luma, axis=(1, 2, 3), keepdims=True)
    offset = tf.reshape(brightness * (1 - contrast), [-1, 1, 1, 1]) * mean
    return tf.clip_by_value(images * color + (luma * gray + offset), 0.0, 255.0)


def blur(images: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
    """Mixes each photo with itself smoothed by a Gaussian of about one pixel.

    Args:
        images: float32 [n, S, S, 3].
        strength: float32 [n], from 0 (as it is) to 1 (smoothed).

    Returns:
        float32 [n, S, S, 3].
    """
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    row = tf.tile(tf.reshape(tf.constant(BINOMIAL), [1, -1, 1, 1]), [1, 1, 3, 1])
    smooth = tf.nn.depthwise_conv2d(padded, row, [1, 1, 1, 1], "VALID")
    smooth = tf.nn.depthwise_conv2d(smooth, tf.transpose(row, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")
    return images + tf.reshape(strength, [-1, 1, 1, 1]) * (smooth - images)


def cut_out(
    images: tf.Tensor, masks: tf.Tensor, side: tf.Tensor, x: tf.Tensor, y: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Paints a grey square over each photo (DeVries and Taylor 2017); its mask pixels are ignored.

    Args:
        images: float32 [n, S, S, 3].
        masks: uint8 [n, S, S].
        side: float32 [n], as a share of the picture's.
        x: float32 [n], place of the square, from 0 (left) to 1 (right).
        y: float32 [n], place of the square, from 0 (top) to 1 (bottom).

    Returns:
        Images and masks.
    """
    size = images.shape[1]
    pixels = (tf.range(size, dtype=tf.float32) + 0.5) / size

    def covered(place: tf.Tensor) -> tf.Tensor:
        start = (place * (1 - side))[:, tf.newaxis]
        return tf.logical_and(pixels >= start, pixels < start + side[:, tf.newaxis])

    square = tf.logical_and(covered(y)[:, :, tf.newaxis], covered(x)[:, tf.newaxis])
    ignored = tf.constant(CLASS_ID_IGNORED, masks.dtype)
    return tf.where(square[..., tf.newaxis], GRAY_LEVEL, images), tf.where(square, ignored, masks)
