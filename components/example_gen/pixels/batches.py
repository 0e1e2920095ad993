"""Decodes the files of several pairs in one call, on TensorFlow's threads.

With a call for each file, Python's lock would go from thread to thread several times a pair, which takes
longer than the work in between.
"""

import functools
import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from petseg.tf_photo import decode_brightness

Decoded = tuple[np.ndarray | None, np.ndarray | None]
"""A photo's brightness as stored and a mask's numbers, uint8 [height, width], where they were decoded."""

PAIRS = 32
"""Pairs of a call."""

PIXELS = 2**24
"""Pixels of photos after which no more pairs are added to a call."""


def decode_batch(photos: Sequence[bytes | None], masks: Sequence[bytes | None]) -> Iterator[Decoded]:
    """Decodes up to PAIRS photos and masks.

    Args:
        photos: JPEGs; None for a photo that is not decoded.
        masks: Gray PNGs of 8 bits, as many; None for a mask that is not decoded.

    Returns:
        For each pair what was decoded. It is nothing if one file is damaged: which one, only a call for each
        file tells.
    """
    if not any(photos) and not any(masks):
        return ((None, None) for _ in photos)
    try:
        decoded = _decode(_padded(photos, _pixel("JPEG")), _padded(masks, _pixel("PNG")))
    except tf.errors.InvalidArgumentError:
        return ((None, None) for _ in photos)
    arrays = ([np.asarray(each)[..., 0] for each in outputs] for outputs in decoded)
    return (
        (photo if photo_file else None, mask if mask_file else None)
        for photo, mask, photo_file, mask_file in zip(*arrays, photos, masks, strict=False)
    )


@tf.function(input_signature=[tf.TensorSpec([PAIRS], tf.string)] * 2)
def _decode(photos: tf.Tensor, masks: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    return (
        [decode_brightness(photo) for photo in tf.unstack(photos)],
        [tf.io.decode_png(mask, channels=1) for mask in tf.unstack(masks)],
    )


@functools.cache
def _pixel(kind: str) -> bytes:
    """A file of one pixel."""
    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, kind)
    return content.getvalue()


def _padded(files: Iterable[bytes | None], filler: bytes) -> list[bytes]:
    content = [file or filler for file in files]
    return content + [filler] * (PAIRS - len(content))
