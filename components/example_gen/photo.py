"""A photo's bytes: checked, and repaired to what every reader of the examples can decode."""

import io
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image

from petseg.files.image_file import PHOTO_FORMATS, exif_orientation, open_image, upright_rgb

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Photo:
    """An upright photo.

    Attributes:
        jpeg: 8-bit RGB JPEG.
        pixels: uint8 [height, width, 3].
        orientation: EXIF orientation of the file, 1 to 8; 1 is upright.
        repairs: What had to be changed, in a few words each; empty where `jpeg` is the file's own bytes.
    """

    jpeg: bytes
    pixels: np.ndarray
    orientation: int
    repairs: tuple[str, ...]


def load_photo(content: bytes, max_pixels: int) -> Photo:
    """Decodes a photo and repairs it where it is no upright 8-bit RGB JPEG.

    Args:
        content: The file.
        max_pixels: Pixels above which the photo is refused by its header, before anything is decoded.

    Raises:
        BrokenFileError: It has too many pixels, or cannot be decoded.
    """
    image = open_image(content, PHOTO_FORMATS, max_pixels)
    orientation = exif_orientation(image)
    repairs = _needed_repairs(image, orientation)
    if not repairs:
        try:
            return Photo(content, tf.io.decode_jpeg(content).numpy(), orientation, ())
        except tf.errors.InvalidArgumentError:
            # Pillow is the more patient of the two: what it can still read is written anew.
            repairs = ("TensorFlow cannot decode the JPEG",)
    jpeg = _encode_jpeg(upright_rgb(image))
    return Photo(jpeg, tf.io.decode_jpeg(jpeg, channels=3).numpy(), orientation, repairs)


def _needed_repairs(image: Image.Image, orientation: int) -> tuple[str, ...]:
    repairs = []
    if image.format not in ("JPEG", "MPO"):
        repairs.append(f"{image.format}, not JPEG")
    if image.mode != "RGB":
        repairs.append(f"colours are {image.mode}, not RGB")
    if orientation != 1:
        repairs.append(f"turned by EXIF orientation {orientation}")
    return tuple(repairs)


def _encode_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
