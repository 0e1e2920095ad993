"""Checks a mask against its photo and the class table."""

import io
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image

from components.example_gen.mask_values import READINGS, PaletteReading, read_palette, read_samples
from components.example_gen.photo import Photo
from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError
from petseg.files.image_file import BIT_DEPTH_BYTE, decode, open_image, turn_upright

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations in which height and width are exchanged."""


@dataclass(frozen=True)
class Mask:
    """A mask of the upright photo's size.

    Attributes:
        png: One-channel 8-bit PNG of class values.
        pixels: Pixels of each class, in the order of class ids; ignored ones are not counted.
        repairs: What was changed; empty if `png` is the file's own bytes.
        palette: How `read_palette` read a palette image; None for a gray image.
    """

    png: bytes
    pixels: tuple[int, ...]
    repairs: tuple[str, ...]
    palette: str | None = None


def load_mask(
    content: bytes,
    photo: Photo,
    classes: ClassTable,
    max_pixels: int,
    palette: PaletteReading | None = None,
) -> Mask:
    """Decodes a mask and checks channels, size and values.

    Args:
        content: The file: a PNG of one channel, gray or with a palette.
        photo: Its photo.
        classes: The class table.
        max_pixels: Limit of pixels, checked in the header.
        palette: How to read a palette image; None: `read_palette` decides.

    Raises:
        BrokenFileError: Too many pixels, not decodable, several channels, another size than the photo's,
            a value that is not in the class table, or only ignored pixels.
    """
    image = open_image(content, ("PNG",), max_pixels)
    if len(image.getbands()) != 1:
        raise BrokenFileError(f"has {len(image.getbands())} channels ({image.mode}); a mask must have one")
    decode(image)
    repairs = []
    taken: str | None = None
    if image.mode == "P":
        values, taken = read_palette(image, classes.known_values, palette)
        repairs.append(f"PNG of mode P, not 8-bit gray; {READINGS[taken]}")
    else:
        values = read_samples(image, content, classes.known_values)
        if content[BIT_DEPTH_BYTE] != 8:
            repairs.append(f"PNG of {content[BIT_DEPTH_BYTE]} bits, not 8-bit gray")
    values, turned = _turn_like(photo, values)
    pixels = _check_values(values, photo, classes)
    repairs += turned
    if not repairs and not _tensorflow_reads(content, values):
        repairs.append("TensorFlow cannot decode the PNG")
    if repairs:
        content = _encode_png(values)
    return Mask(content, pixels, tuple(repairs), taken)


def check_rendered_mask(values: np.ndarray, photo: Photo, classes: ClassTable) -> Mask:
    """Checks size and values of a mask that a reader rendered, and encodes it.

    Args:
        values: Integers [height, width], values of the class table.
        photo: The upright photo.
        classes: The class table.

    Raises:
        BrokenFileError: As load_mask.
    """
    values, repairs = _turn_like(photo, values.astype(np.int32))
    return Mask(_encode_png(values), _check_values(values, photo, classes), tuple(repairs))


def _turn_like(photo: Photo, values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Turns the mask of a photo that EXIF turns; returns it and what was repaired."""
    if photo.orientation == 1 or not _belongs_to_stored_photo(values, photo):
        return values, []
    turned = turn_upright(Image.fromarray(values), photo.orientation)
    return np.asarray(turned), ["turned like its photo"]


def _belongs_to_stored_photo(values: np.ndarray, photo: Photo) -> bool:
    """Whether the mask has the size of the photo before EXIF turned it."""
    height, width = photo.pixels.shape[:2]
    return values.shape == ((width, height) if photo.orientation in SIDEWAYS else (height, width))


def _check_values(values: np.ndarray, photo: Photo, classes: ClassTable) -> tuple[int, ...]:
    """Returns the number of pixels of each class."""
    if values.shape != photo.pixels.shape[:2]:
        raise BrokenFileError(
            f"is {values.shape[1]} x {values.shape[0]} pixels,"
            f" its photo {photo.pixels.shape[1]} x {photo.pixels.shape[0]}"
        )
    found = np.bincount(values.ravel(), minlength=256)
    pixels = tuple(int(found[value]) for value in classes.values)
    known = classes.known_values
    found[list(known)] = 0
    if found.any():
        unknown = int(np.flatnonzero(found)[0])
        raise BrokenFileError(
            f"has the value {unknown} in {found[unknown]} pixels;"
            f" the class table has {', '.join(map(str, sorted(known)))}"
        )
    if not any(pixels):
        raise BrokenFileError("has only ignored pixels")
    return pixels


def _tensorflow_reads(content: bytes, values: np.ndarray) -> bool:
    try:
        return np.array_equal(tf.io.decode_png(content, channels=1).numpy()[..., 0], values)
    except tf.errors.InvalidArgumentError:
        return False


def _encode_png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
