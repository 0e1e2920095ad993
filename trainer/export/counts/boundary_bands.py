"""Boundary bands of class masks (Cheng et al. 2021, "Boundary IoU", arXiv:2103.16562)."""

import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.metrics.counting import BOUNDARY_SHARE

_BYTES_A_WORD = 8
_OUTSIDE = 255
"""Every bit set, in both stacks of bits: the edge of the image is a boundary of every class."""


def band_radius(size: tf.Tensor) -> tf.Tensor:
    """Width of the band in pixels: 2 % of the image's diagonal, rounded, at least 1, as in the paper.

    Args:
        size: int32 [2], height and width in pixels.

    Returns:
        int32 [].
    """
    # In float64, in which the paper's own code rounds: 2 % of some diagonals are halves.
    diagonal = tf.norm(tf.cast(size, tf.float64))
    return tf.maximum(tf.cast(tf.round(BOUNDARY_SHARE * diagonal), tf.int32), 1)


def boundary_bands(ids: tf.Tensor, radius: tf.Tensor) -> tf.Tensor:
    """Marks the pixels that lie in the boundary band of their own class.

    The band of a class is its mask minus the mask eroded by a square that extends `radius` pixels to each
    side; outside of the image there is no class. A pixel is in the band of its class if the square around it
    contains another class or extends beyond the image. One test does this for all classes: the ids in the
    square are equal if and only if no bit is set in one of them and clear in another. Ignored pixels form no
    boundary.

    Args:
        ids: uint8 [m, h, w], class ids of m masks of one size; `CLASS_ID_IGNORED` is ignored.
        radius: int32 [], see `band_radius`.

    Returns:
        bool [m, h, w]; undefined at ignored pixels.
    """
    shape = tf.shape(ids)
    masks, height, width = shape[0], shape[1], shape[2]
    row = (width + 2 * radius + _BYTES_A_WORD - 1) // _BYTES_A_WORD * _BYTES_A_WORD
    rows = height + 2 * radius
    ignored = ids == CLASS_ID_IGNORED
    none = tf.zeros_like(ids)
    set_and_clear = tf.stack([tf.where(ignored, none, ids), tf.where(ignored, none, tf.bitwise.invert(ids))])
    margins = [[0, 0], [0, 0], [radius, radius], [radius, row - width - radius]]
    bits = tf.reshape(tf.pad(set_and_clear, margins, constant_values=_OUTSIDE), [-1])
    for stride in (1, row):
        bits = _any_of_next(bits, 2 * radius + 1, stride)
    in_square = tf.reshape(bits, [2, masks, rows, row])[:, :, :height, :width]
    return tf.bitwise.bitwise_and(in_square[0], in_square[1]) != 0


def _any_of_next(bits: tf.Tensor, number: tf.Tensor, stride: tf.Tensor | int) -> tf.Tensor:
    """ORs each byte with the `number` - 1 that follow it at a distance of `stride`.

    The reach doubles with each step, so that a wide band costs hardly more than a narrow one. Bytes that wrap
    around the end of a row or of the last mask end up in the margins, which are cut away.

    Args:
        bits: uint8 [n], n a multiple of 8.
        number: int32 [], at least 2.
        stride: bytes.
    """

    def double(reach: tf.Tensor, bits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return 2 * reach, _or(bits, tf.roll(bits, -reach * stride, axis=0))

    reach, bits = tf.while_loop(lambda reach, _: 2 * reach <= number, double, (tf.constant(1), bits))
    return _or(bits, tf.roll(bits, (reach - number) * stride, axis=0))


def _or(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Bitwise or of uint8 [n], eight bytes at a time: TensorFlow is as fast on a word as on a byte."""
    words = (tf.bitcast(tf.reshape(bits, [-1, _BYTES_A_WORD]), tf.int64) for bits in (left, right))
    return tf.reshape(tf.bitcast(tf.bitwise.bitwise_or(*words), tf.uint8), [-1])
