"""Checks a photo's bytes, and stores a PNG instead if the image path would not decode them upright."""

import io
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image

from petseg.files.image_file import (
    BIT_DEPTH_BYTE,
    JPEG_FORMATS,
    PHOTO_FORMATS,
    exif_orientation,
    open_image,
    upright_rgb,
)
from petseg.tf_exif import exif_orientation as exif_orientation_in_graph
from petseg.tf_photo import decode_now, decode_photo

KEPT_MODES = {"JPEG": ("RGB", "L"), "MPO": ("RGB",), "PNG": ("RGB", "L", "RGBA")}
"""Pillow's formats and modes of files whose bytes are kept, if they have 8 bits a sample."""

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations in which height and width are exchanged."""

EXIF_MARK = b"Exif\0\0"
"""What every JPEG segment has that `petseg.tf_exif` reads."""

FAST_COMPRESSION = 1
"""PNG compression level. A higher level takes seconds for a photo of 12 megapixels and saves little."""


@dataclass(frozen=True)
class Photo:
    """A photo.

    Attributes:
        encoded: JPEG or PNG that `petseg.tf_photo.decode_photo` decodes to the pixels.
        pixels: uint8 [height, width, 3], upright.
        orientation: EXIF orientation of the file, 1 to 8; 1 is upright.
        repairs: What was changed, in a few words each; empty if `encoded` is the file's own bytes.
    """

    encoded: bytes
    pixels: np.ndarray
    orientation: int
    repairs: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the upright photo."""
        height, width = self.pixels.shape[:2]
        return height, width

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Height and width of the photo as it is stored in its file."""
        return self.shape[::-1] if self.orientation in SIDEWAYS else self.shape


def load_photo(content: bytes, max_pixels: int, photo_range: tuple[float, float] | None = None) -> Photo:
    """Decodes a photo. If the file's bytes cannot be kept, an upright PNG replaces them without loss.

    Args:
        content: The file.
        max_pixels: Limit of pixels, checked in the header before anything is decoded.
        photo_range: Samples that become black and white, of photos with more than 8 bits; see upright_rgb.

    Raises:
        BrokenFileError: It has too many pixels, cannot be decoded, or needs a `photo_range`.
    """
    image = open_image(content, PHOTO_FORMATS, max_pixels)
    orientation = exif_orientation(image)
    repair = _needed_repair(image, content, orientation)
    if not repair:
        pixels = _decode_as_served(content, image, orientation)
        if pixels is not None:
            return Photo(content, pixels, orientation, ())
        # Pillow reads more broken files than TensorFlow; what it reads is stored as PNG.
        repair = f"TensorFlow cannot decode the {image.format}"
    pixels = np.asarray(upright_rgb(image, photo_range))
    return Photo(_encode_png(pixels), pixels, orientation, (f"{repair}; stored as PNG",))


def servable_bytes(content: bytes, max_pixels: int, photo_range: tuple[float, float] | None = None) -> bytes:
    """A photo's bytes as a model takes them, which are those of its raw example.

    A JPEG that needs no repair is not decoded: whether it is broken, the model says.

    Args:
        content: See load_photo.
        max_pixels: See load_photo.
        photo_range: See load_photo.

    Raises:
        BrokenFileError: See load_photo.
    """
    image = open_image(content, PHOTO_FORMATS, max_pixels)
    if image.format in JPEG_FORMATS and not _needed_repair(image, content, exif_orientation(image)):
        return content
    return load_photo(content, max_pixels, photo_range).encoded


def _needed_repair(image: Image.Image, content: bytes, orientation: int) -> str:
    """The reason why the file's bytes cannot be kept; empty if there is none."""
    if image.mode not in KEPT_MODES.get(image.format or "", ()):
        return f"{image.format} of mode {image.mode}"
    if image.format == "PNG" and content[BIT_DEPTH_BYTE] != 8:
        return f"PNG of {content[BIT_DEPTH_BYTE]} bits a sample"
    if image.format == "PNG" and orientation != 1:
        return f"PNG turned by EXIF orientation {orientation}"
    return ""


def _decode_as_served(content: bytes, image: Image.Image, orientation: int) -> np.ndarray | None:
    """Decodes as Transform and the signatures do; None if Pillow decodes something else."""
    try:
        if EXIF_MARK in content:
            pixels, orientation_in_graph = (tensor.numpy() for tensor in _decode(content))
        else:
            # What `_decode` comes to, without a search for EXIF that takes as long as decoding.
            pixels, orientation_in_graph = np.asarray(decode_now(content)), 1
    except tf.errors.InvalidArgumentError:
        return None
    # Two decoders of JPEG may differ by a few gray levels.
    is_same = image.format in JPEG_FORMATS or np.array_equal(pixels, upright_rgb(image))
    return pixels if is_same and orientation_in_graph == orientation else None


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _decode(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return decode_photo(content), exif_orientation_in_graph(content)


def _encode_png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=FAST_COMPRESSION)
    return buffer.getvalue()
