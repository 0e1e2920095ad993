"""Checks a mask against its photo and the class table, and turns or resizes it to fit."""

import io
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from PIL import Image

from components.example_gen.pairs import Lie
from components.example_gen.pixels.exif import TURNED, lie_of
from components.example_gen.pixels.mask_mapping import UnknownValuesError, count_bytes, map_numbers
from components.example_gen.pixels.mask_values import MaskValues, is_mapping, read_values
from components.example_gen.pixels.photo import Photo
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError
from petseg.files.image_file import MASK_FORMATS, decode, open_image, turn_upright
from petseg.files.plain_png import plain_gray_pixels


@dataclass(frozen=True)
class Mask:
    """A mask of the upright photo's size.

    Attributes:
        values: uint8 [height, width], values of the class table.
        content: The file's own bytes, where they are an 8-bit gray PNG of just these values; else None.
        pixels: Pixels of each class, in the order of class ids; ignored ones are not counted.
        ignored: Ignored pixels.
        repairs: What was changed.
        palette: How a palette image was read, a key of READINGS; None for others.
        between: With `data.mask_threshold`, pixels that are neither black nor white.
        lie: Whether the file lies as the stored or the upright photo; None where both have its size.
    """

    values: np.ndarray
    content: bytes | None
    pixels: tuple[int, ...]
    ignored: int
    repairs: tuple[str, ...]
    palette: str | None = None
    between: int = 0
    lie: Lie | None = "upright"

    @property
    def png(self) -> bytes:
        """One-channel 8-bit PNG of the values."""
        return _encode_png(self.values) if self.content is None else self.content


def is_plain(content: bytes, data: DataSettings) -> bool:
    """Whether a mask is a gray PNG of 8 bits, as most are, which TensorFlow reads as every decoder does."""
    pixels = plain_gray_pixels(content)
    return data.mask_threshold is None and pixels is not None and pixels <= data.max_pixels


def load_mask(
    content: bytes,
    photo: Photo,
    data: DataSettings,
    turned: bool = False,
    stored: np.ndarray | None = None,
) -> Mask:
    """Decodes a mask and checks channels, size and values.

    Args:
        content: The file, in one of MASK_FORMATS.
        photo: Its photo.
        data: The class table, and how masks hold it.
        turned: Whether the mask of a photo turned by EXIF is turned like it, where no size tells.
        stored: Its numbers, uint8 [height, width], where a plain mask was decoded already.

    Raises:
        BrokenFileError: Too many pixels, not decodable, another size than the photo's, values that are not in
            the class table, or only ignored pixels.
    """
    if stored is None and is_plain(content, data):
        stored = _decode_png(content)
    if stored is not None:
        values, counts = map_numbers(stored, data.classes)
        read = MaskValues(values, is_mapped=is_mapping(data.classes), counts=counts)
    else:
        image = open_image(content, MASK_FORMATS, data.max_pixels)
        decode(image)
        read = read_values(image, content, data)
    mask = _fit(read, photo, data, lie_of(read.values.shape, photo, data.resize_masks), turned)
    if mask.repairs or read.is_mapped:
        return mask
    if stored is None and not _tensorflow_reads(content, mask.values):
        return replace(mask, repairs=("TensorFlow cannot decode the PNG",))
    return replace(mask, content=content)


def fit_rendered_mask(
    values: np.ndarray, photo: Photo, data: DataSettings, is_upright: bool, turned: bool = False
) -> Mask:
    """Checks size and values of a mask that a reader rendered.

    Args:
        values: Integers [height, width], values of the class table.
        photo: The upright photo.
        data: The class table.
        is_upright: Whether the mask was drawn over the upright photo, whatever its size.
        turned: As for load_mask.

    Raises:
        BrokenFileError: As load_mask.
    """
    known = data.classes.known_values
    if not np.isin(values, known).all():
        unknown, counts = np.unique(values[~np.isin(values, known)], return_counts=True)
        raise UnknownValuesError(dict(zip(map(str, unknown), counts.tolist(), strict=True)), sorted(known))
    lie = "upright" if is_upright else lie_of(values.shape, photo, data.resize_masks)
    return _fit(MaskValues(values.astype(np.uint8)), photo, data, lie, turned)


def _fit(read: MaskValues, photo: Photo, data: DataSettings, lie: Lie | None, turned: bool) -> Mask:
    """Resizes and turns a mask like its photo, where settings and sizes say so, and counts its pixels."""
    values, counts, repairs = read.values, read.counts, list(read.repairs)
    is_turned = photo.orientation != 1 and (lie == "stored" or (lie is None and turned))
    height, width = photo.stored_shape if is_turned else photo.shape
    if values.shape != (height, width):
        if not data.resize_masks:
            raise BrokenFileError(
                f"is {values.shape[1]} x {values.shape[0]} pixels, its photo {photo.shape[1]} x "
                f"{photo.shape[0]}; data.resize_masks: true resizes masks"
            )
        repairs.append(f"resized from {values.shape[1]} x {values.shape[0]} pixels")
        values = np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.NEAREST))
        counts = None
    if is_turned:
        values = np.asarray(turn_upright(Image.fromarray(values), photo.orientation))
        repairs.append(TURNED)
    pixels, ignored = _of_classes(count_bytes(values) if counts is None else counts, data.classes)
    return Mask(values, None, pixels, ignored, tuple(repairs), read.palette, read.between, lie)


def _of_classes(counts: np.ndarray, classes: ClassTable) -> tuple[tuple[int, ...], int]:
    """Number of pixels of each class, and of ignored ones, from those of each value."""
    pixels = tuple(int(counts[value]) for value in classes.values)
    if not any(pixels):
        raise BrokenFileError("has only ignored pixels")
    return pixels, 0 if classes.stored_ignored is None else int(counts[classes.stored_ignored])


def _tensorflow_reads(content: bytes, values: np.ndarray) -> bool:
    numbers = _decode_png(content)
    return numbers is not None and np.array_equal(numbers, values)


def _decode_png(content: bytes) -> np.ndarray | None:
    """uint8 [height, width] as TensorFlow reads a PNG; None if it does not."""
    try:
        return np.asarray(tf.io.decode_png(content, channels=1))[..., 0]
    except tf.errors.InvalidArgumentError:
        return None


def _encode_png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()
