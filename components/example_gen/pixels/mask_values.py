"""Reads a mask's values from its image: numbers, palettes, colors, or levels around a threshold."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from components.example_gen.pixels.mask_mapping import UnknownValuesError, map_colors, map_numbers, packed
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError
from petseg.files.image_file import BIT_DEPTH_BYTE, JPEG_FORMATS

PaletteReading = Literal["index", "color"]
"""How to read a palette mask: the values are its indices, or what its colors say."""

SAME = "same"
"""The reading of a palette mask whose indices equal its gray levels."""

TABLE = "table"
"""The reading of a palette mask by the colors of the class table."""

READINGS = {
    "index": "values are its indices",
    "color": "values are its gray levels",
    SAME: "values are its indices, which equal its gray levels",
    TABLE: "values are those of its colors in the class table",
}
"""How a palette mask was read, in words."""


@dataclass(frozen=True)
class MaskValues:
    """What a mask file says.

    Attributes:
        values: uint8 [height, width], values of the class table, as the file lies.
        repairs: Why the file's own bytes cannot be kept; empty if they can.
        is_mapped: Whether the values are others than the file's numbers.
        palette: A key of READINGS for a palette image; else None.
        between: With `data.mask_threshold`, pixels that are neither black nor white.
        counts: Pixels of each value, int64 [256], where they were counted already.
    """

    values: np.ndarray
    repairs: tuple[str, ...] = ()
    is_mapped: bool = False
    palette: str | None = None
    between: int = 0
    counts: np.ndarray | None = None


def read_values(image: Image.Image, content: bytes, data: DataSettings) -> MaskValues:
    """Reads the values of a decoded mask.

    Args:
        image: The decoded image.
        content: Its file.
        data: The class table, and how masks hold it.

    Raises:
        UnknownValuesError: It has values or colors that are not in the class table.
        BrokenFileError: It cannot be read as a mask.
    """
    is_gray_png = image.format == "PNG" and image.mode != "P" and len(image.getbands()) == 1
    how = f"{image.format} of mode {image.mode}, not 8-bit gray"
    if is_gray_png:
        bits = content[BIT_DEPTH_BYTE]
        how = "" if bits == 8 else f"PNG of {bits} bits, not 8-bit gray"
    if data.mask_threshold is not None:
        return _by_threshold(image, data.mask_threshold, data.classes, how)
    if image.format in JPEG_FORMATS:
        raise BrokenFileError(
            "is a JPEG, which blurs values; set data.mask_threshold, such as 128, for a mask of two classes, "
            "or save masks without loss"
        )
    taken = None
    if image.mode == "P":
        numbers, taken = read_palette(image, data.classes, data.palette)
        if numbers is None:
            values = map_colors(np.asarray(image.convert("RGB")), data.classes.value_of_color)
            return MaskValues(values, (f"{how}; {READINGS[TABLE]}",), palette=TABLE)
        how = f"{how}; {READINGS[taken]}"
    elif len(image.getbands()) == 1:
        numbers = read_samples(image, content, data.classes.value_of_number)
    else:
        values = _from_channels(image, data.classes)
        return MaskValues(values, (how,))
    values, counts = map_numbers(numbers, data.classes)
    return MaskValues(values, (how,) if how else (), is_mapping(data.classes), taken, counts=counts)


def is_mapping(classes: ClassTable) -> bool:
    """Whether the class table gives other values for the numbers of mask files."""
    return any(number != value for number, value in classes.value_of_number.items())


def read_samples(image: Image.Image, content: bytes, known: Collection[int]) -> np.ndarray:
    """Reads the samples of a one-channel image of any bit depth.

    Args:
        image: The decoded image with one channel.
        content: Its file.
        known: Numbers of the class table.

    Returns:
        Integers [height, width], as stored in the file. A lossless optimizer stores a mask of 0 and 255 in
        one bit, so if samples are unknown numbers but their scaling to 8 bits is known, they are scaled.

    Raises:
        BrokenFileError: The samples are no integers.
    """
    samples = np.asarray(image)
    if samples.dtype.kind == "f":
        if not np.array_equal(samples, np.rint(samples)):
            raise BrokenFileError("has samples that are no integers; a mask must hold one number for a class")
        return samples.astype(np.int64)
    bits = content[BIT_DEPTH_BYTE] if image.format == "PNG" else 1 if image.mode == "1" else 8
    if bits >= 8:
        return samples
    samples = samples.astype(np.uint8)
    step = 255 // (2**bits - 1)
    # Pillow has scaled 2 and 4 bits to 8, but not 1 bit.
    samples = samples if bits == 1 else samples // step
    present = np.unique(samples)
    return samples * step if not _all_known(present, known) and _all_known(present * step, known) else samples


def read_palette(
    image: Image.Image, classes: ClassTable, wanted: PaletteReading | None
) -> tuple[np.ndarray | None, str]:
    """Reads the numbers of a palette image.

    A lossless optimizer turns a gray mask of 0 and 2 into indices 0 and 1 of a palette that holds the gray
    levels 0 and 2. Other programs store values as indices with arbitrary colors, or the colors of classes.

    Args:
        image: The decoded image of mode P.
        classes: The class table.
        wanted: How to read it; None: by gray levels if the colors in use are distinct grays whose levels are
            all known; else by the class table's colors if these are known and the indices are not; else by
            indices.

    Returns:
        uint8 [height, width], or None if the colors are to be looked up in the class table; and how they were
        read: a key of READINGS.

    Raises:
        BrokenFileError: `wanted` is `color`, and a color in use is neither gray nor in the class table.
    """
    known = classes.value_of_number
    indices = np.asarray(image)
    used = np.unique(indices)
    colors = np.zeros((256, 3), np.uint8)
    palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)[:256]
    colors[: len(palette)] = palette
    levels = colors[:, 0]
    is_gray = bool((colors[used] == levels[used, None]).all()) and int(used.max()) < len(palette)
    in_table = {f"#{color:06x}" for color in packed(colors[used])} <= classes.value_of_color.keys()
    if wanted == "color" and in_table:
        return None, TABLE
    if wanted == "color" and not is_gray:
        raise BrokenFileError(
            "has a palette with colors that are neither gray nor in the class table; data.palette color "
            "needs one of the two"
        )
    by_color = is_gray and len(set(levels[used])) == len(used) and _all_known(levels[used], known)
    if is_gray and (levels[used] == used).all():
        return indices, SAME
    if wanted is None and not by_color and in_table and not _all_known(used, known):
        return None, TABLE
    if wanted == "index" or (wanted is None and not by_color):
        return indices, "index"
    return levels[indices], "color"


def _from_channels(image: Image.Image, classes: ClassTable) -> np.ndarray:
    """Reads colors, or the numbers of equal channels."""
    pixels = np.asarray(image)
    said = f"{len(image.getbands())} channels ({image.mode})"
    if image.mode in ("LA", "RGBA", "PA") and not _is_plain(pixels):
        raise BrokenFileError(f"has {said}, some of them transparent; a mask must be opaque")
    if image.mode not in ("LA", "RGB", "RGBA", "CMYK"):
        raise BrokenFileError(f"has {said}; a mask must have one, or RGB colors")
    gray = pixels[..., 0]
    channels = pixels[..., : 1 if image.mode == "LA" else 4 if image.mode == "CMYK" else 3]
    are_equal = bool((channels == gray[..., None]).all())
    if image.mode in ("LA", "CMYK"):
        if not are_equal:
            raise BrokenFileError(f"has {said} that differ; a mask must have one, or RGB colors")
        return map_numbers(gray, classes)[0]
    try:
        return map_colors(channels, classes.value_of_color, f"{said} with " if not are_equal else "")
    except UnknownValuesError:
        if not are_equal:
            raise
    return map_numbers(gray, classes)[0]


def _is_plain(pixels: np.ndarray) -> bool:
    """Whether the last channel is the same everywhere, or the same as the first."""
    alpha = pixels[..., -1]
    return bool((alpha == alpha.flat[0]).all() or (alpha == pixels[..., 0]).all())


def _by_threshold(image: Image.Image, threshold: float, classes: ClassTable, how: str) -> MaskValues:
    """Reads a mask of two classes: from the threshold on the one with the higher value."""
    if image.mode == "1":
        levels = np.asarray(image).astype(np.uint8) * 255
    else:
        levels = np.asarray(image if len(image.getbands()) == 1 and image.mode != "P" else image.convert("L"))
    low, high = sorted(classes.values)
    values = np.where(levels >= threshold, np.uint8(high), np.uint8(low))
    white = 255 if levels.dtype == np.uint8 else levels.max()
    between = int(np.count_nonzero((levels > 0) & (levels < white)))
    if image.format not in JPEG_FORMATS and classes.stored_ignored is not None:
        ignored = [source for source in classes.ignored_sources if isinstance(source, int)]
        values[np.isin(levels, ignored)] = classes.stored_ignored
    return MaskValues(values, (how,) if how else (), is_mapped=True, between=between)


def _all_known(values: np.ndarray, known: Collection[int]) -> bool:
    return set(values.tolist()) <= set(known)
