"""Where an exported file's mask differs from the model's."""

import io

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from components.exporter.comparison import LeastEqual
from petseg.class_table import ClassTable
from petseg.overlay import overlay
from petseg.tf_photo import decode_photo

WIDTH = 360
"""Of each of the four pictures, in pixels."""

DIFFERENT = (214, 39, 40)


def difference_picture(example: LeastEqual, classes: ClassTable) -> bytes:
    """A JPEG: the photo, both masks over it, and the pixels that differ.

    Args:
        example: The photo and its masks.
        classes: The class table.
    """
    photo = Image.fromarray(_decoded(example.photo))
    different = np.asarray(photo.convert("L").convert("RGB")).copy() // 2 + 96
    different[example.model != example.file] = DIFFERENT
    pictures = [
        photo,
        overlay(photo, _ids(example.model, classes), classes),
        overlay(photo, _ids(example.file, classes), classes),
        Image.fromarray(different),
    ]
    height = max(1, round(photo.height * WIDTH / photo.width))
    row = Image.new("RGB", (WIDTH * len(pictures), height))
    for index, picture in enumerate(pictures):
        row.paste(picture.resize((WIDTH, height), Image.Resampling.LANCZOS), (WIDTH * index, 0))
    content = io.BytesIO()
    row.save(content, "JPEG", quality=88)
    return content.getvalue()


def _decoded(photo: bytes) -> NDArray[np.uint8]:
    return decode_photo(tf.constant(photo)).numpy()


def _ids(values: NDArray[np.uint8], classes: ClassTable) -> NDArray[np.uint8]:
    ids = np.zeros(256, np.uint8)
    ids[list(classes.values)] = np.arange(len(classes))
    return ids[values]
