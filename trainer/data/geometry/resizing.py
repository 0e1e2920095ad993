"""Photos and masks resized, and photos continued beyond their edges."""

from typing import Any

import tensorflow as tf

Size = tuple[int, int]
"""Height and width in pixels."""


def resize_photo(photo: tf.Tensor, size: Size | tf.Tensor, interpolation: str) -> tf.Tensor:
    """Resizes photos, antialiased and rounded.

    Args:
        photo: uint8 [h, w, 3] or [n, h, w, 3].
        size: Height and width of the result, two numbers or int32 [2].
        interpolation: A method of `tf.image.resize`.

    Returns:
        uint8 [height, width, 3] or [n, height, width, 3].
    """
    resized = tf.image.resize(photo, size, method=interpolation, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def resize_mask(ids: tf.Tensor, size: Size | tf.Tensor) -> tf.Tensor:
    """Resizes class ids by nearest neighbor: any other method would invent classes.

    Args:
        ids: uint8 [h, w].
        size: Height and width of the result, two numbers or int32 [2].

    Returns:
        uint8 [height, width].
    """
    return tf.image.resize(ids[..., tf.newaxis], size, method="nearest")[..., 0]


def reflected(positions: Any, length: Any) -> Any:
    """The positions in a line that its mirror images beyond both ends show: c b a | a b c | c b a | a ...

    Args:
        positions: Integers, negative ones too: an array of NumPy or a tensor.
        length: Of the line, at least 1.

    Returns:
        Integers from 0 to `length` - 1 of the same shape.

    Examples:
        >>> import numpy as np
        >>> reflected(np.arange(-4, 7), 3).tolist()
        [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
    """
    last = 2 * length - 1
    return (last - abs(2 * (positions % (2 * length)) - last)) // 2
