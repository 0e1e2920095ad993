"""Checks a photo's bytes, and stores a PNG instead if the image path would not decode them upright."""

import io
import math
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
    turn_upright,
    upright_rgb,
)
from petseg.tf_exif import exif_orientation as exif_orientation_in_graph
from petseg.tf_photo import decode_brightness, decode_now, decode_photo

KEPT_MODES = {"JPEG": ("RGB", "L"), "MPO": ("RGB",), "PNG": ("RGB", "L", "RGBA")}
"""Pillow's formats and modes of files whose bytes are kept, if they have 8 bits a sample."""

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations in which height and width are exchanged."""

EXIF_MARK = b"Exif\0\0"
"""What every JPEG segment has that `petseg.tf_exif` reads."""

MOST_SAMPLES = 2**29
"""TensorFlow refuses a JPEG with as many samples, of which a pixel has three in color and one without."""

FAST_COMPRESSION = 1
"""PNG compression level. A higher level takes seconds for a photo of 12 megapixels and saves little."""


@dataclass(frozen=True)
class Photo:
    """A photo.

    Attributes:
        encoded: JPEG or PNG that `petseg.tf_photo.decode_photo` decodes to the upright pixels.
        brightness: uint8 [height, width], upright.
        orientation: EXIF orientation of the file, 1 to 8; 1 is upright.
        repairs: What was changed, in a few words each; empty if `encoded` is the file's own bytes.
    """

    encoded: bytes
    brightness: np.ndarray
    orientation: int
    repairs: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the upright photo."""
        height, width = self.brightness.shape[:2]
        return height, width

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Height and width of the photo as it is stored in its file."""
        return self.shape[::-1] if self.orientation in SIDEWAYS else self.shape

    def pixels(self) -> np.ndarray:
        """Decodes `encoded`: uint8 [height, width, 3], upright."""
        return decode_photo(tf.constant(self.encoded)).numpy()


@dataclass(frozen=True)
class OpenedPhoto:
    """A photo of which only the header was read.

    Attributes:
        content: The file.
        image: The opened image.
        orientation: EXIF orientation, 1 to 8.
        repair: Why the file's bytes cannot be kept; empty if nothing speaks against it so far.
    """

    content: bytes
    image: Image.Image
    orientation: int
    repair: str

    @property
    def number_of_pixels(self) -> int:
        """Height times width."""
        return math.prod(self.image.size)

    @property
    def is_plain_jpeg(self) -> bool:
        """Whether `decode_brightness` reads what is needed of it."""
        is_small = 3 * self.number_of_pixels < MOST_SAMPLES
        return self.image.format in JPEG_FORMATS and not self.repair and is_small


def open_photo(content: bytes, max_pixels: int) -> OpenedPhoto:
    """Reads the header of a photo.

    Raises:
        BrokenFileError: It has too many pixels, or is no photo.
    """
    image = open_image(content, PHOTO_FORMATS, max_pixels)
    orientation = exif_orientation(image)
    return OpenedPhoto(content, image, orientation, _needed_repair(image, content, orientation))


def load_photo(content: bytes, max_pixels: int, photo_range: tuple[float, float] | None = None) -> Photo:
    """Decodes a photo. If the file's bytes cannot be kept, an upright PNG replaces them without loss.

    Args:
        content: The file.
        max_pixels: Limit of pixels, checked in the header before anything is decoded.
        photo_range: Samples that become black and white, of photos with more than 8 bits; see upright_rgb.

    Raises:
        BrokenFileError: It has too many pixels, cannot be decoded, or needs a `photo_range`.
    """
    return decode_opened(open_photo(content, max_pixels), photo_range)


def decode_opened(
    opened: OpenedPhoto, photo_range: tuple[float, float] | None = None, stored: np.ndarray | None = None
) -> Photo:
    """Does what `load_photo` does from the opened photo on.

    Args:
        opened: The photo.
        photo_range: See load_photo.
        stored: Brightness as stored, uint8 [height, width], where a plain JPEG was decoded already.

    Raises:
        BrokenFileError: It cannot be decoded, or needs a `photo_range`.
    """
    image, orientation, repair = opened.image, opened.orientation, opened.repair
    if not repair:
        brightness = _decode_as_served(opened, stored)
        if brightness is not None:
            return Photo(opened.content, brightness, orientation, ())
        # Pillow reads more broken files than TensorFlow; what it reads is stored as PNG.
        repair = f"TensorFlow cannot decode the {image.format}"
    upright = upright_rgb(image, photo_range)
    png = _encode_png(np.asarray(upright))
    return Photo(png, _brightness(upright), orientation, (f"{repair}; stored as PNG",))


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
    opened = open_photo(content, max_pixels)
    if opened.image.format in JPEG_FORMATS and not opened.repair:
        return content
    return decode_opened(opened, photo_range).encoded


def _needed_repair(image: Image.Image, content: bytes, orientation: int) -> str:
    """The reason why the file's bytes cannot be kept; empty if there is none."""
    if image.mode not in KEPT_MODES.get(image.format or "", ()):
        return f"{image.format} of mode {image.mode}"
    if image.format == "PNG" and content[BIT_DEPTH_BYTE] != 8:
        return f"PNG of {content[BIT_DEPTH_BYTE]} bits a sample"
    if image.format == "PNG" and orientation != 1:
        return f"PNG turned by EXIF orientation {orientation}"
    return ""


def _decode_as_served(opened: OpenedPhoto, stored: np.ndarray | None) -> np.ndarray | None:
    """Brightness as Transform and the signatures decode the file; None if Pillow decodes something else."""
    try:
        if opened.image.format in JPEG_FORMATS:
            # Two decoders of JPEG may differ by a few gray levels.
            return _decode_jpeg(opened, stored)
        pixels = np.asarray(decode_now(opened.content))
    except tf.errors.InvalidArgumentError:
        return None
    upright = upright_rgb(opened.image)
    return _brightness(upright) if np.array_equal(pixels, upright) else None


def _decode_jpeg(opened: OpenedPhoto, stored: np.ndarray | None) -> np.ndarray | None:
    content, orientation = opened.content, opened.orientation
    # Without the mark there is no EXIF; to search for it in a graph takes as long as decoding.
    in_graph = _orientation_in_graph(content).numpy() if EXIF_MARK in content else 1
    if in_graph != orientation:
        return None
    if stored is None and opened.is_plain_jpeg:
        stored = np.asarray(decode_brightness(content))[..., 0]
    elif stored is None:
        stored = _brightness(Image.fromarray(np.asarray(decode_now(content))))
    return stored if orientation == 1 else np.asarray(turn_upright(Image.fromarray(stored), orientation))


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _orientation_in_graph(content: tf.Tensor) -> tf.Tensor:
    return exif_orientation_in_graph(content)


def _brightness(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


def _encode_png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=FAST_COMPRESSION)
    return buffer.getvalue()
