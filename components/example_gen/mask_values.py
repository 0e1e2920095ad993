"""Reads a mask's values from its PNG: gray samples, or the indices or gray levels of a palette."""

from collections.abc import Collection
from typing import Literal

import numpy as np
from PIL import Image

from petseg.errors import BrokenFileError
from petseg.files.image_file import BIT_DEPTH_BYTE

PaletteReading = Literal["index", "color"]
"""How to read a palette mask: the values are its indices, or the gray levels of its colors."""

SAME = "same"
"""The reading of a palette mask whose indices equal its gray levels."""

READINGS = {
    "index": "values are its indices",
    "color": "values are its gray levels",
    SAME: "values are its indices, which equal its gray levels",
}
"""How a palette mask was read, in words."""


def read_samples(image: Image.Image, content: bytes, known: Collection[int]) -> np.ndarray:
    """Reads the samples of a gray PNG of any bit depth.

    Args:
        image: The decoded PNG with one channel.
        content: Its file.
        known: Values of the class table.

    Returns:
        int32 [height, width], as stored in the file. A lossless optimizer stores a mask of 0 and 255 in one
        bit, so if samples are unknown values but their scaling to 8 bits is known, they are scaled.
    """
    values = np.asarray(image).astype(np.int32)
    bits = content[BIT_DEPTH_BYTE]
    if bits >= 8:
        return values
    step = 255 // (2**bits - 1)
    # Pillow has scaled 2 and 4 bits to 8, but not 1 bit.
    samples = values if bits == 1 else values // step
    present = np.unique(samples)
    return samples * step if not _all_known(present, known) and _all_known(present * step, known) else samples


def read_palette(
    image: Image.Image, known: Collection[int], wanted: PaletteReading | None
) -> tuple[np.ndarray, str]:
    """Reads a palette PNG's values.

    A lossless optimizer turns a gray mask of 0 and 2 into indices 0 and 1 of a palette that holds the gray
    levels 0 and 2. Other programs store values as indices with arbitrary colors.

    Args:
        image: The decoded PNG of mode P.
        known: Values of the class table.
        wanted: How to read it; None: by gray levels if the colors in use are distinct grays whose levels are
            all known, else by indices.

    Returns:
        int32 [height, width], and how they were read: a key of READINGS.

    Raises:
        BrokenFileError: `wanted` is `color`, and a color in use is not gray.
    """
    indices = np.asarray(image).astype(np.int32)
    used = np.unique(indices)
    colors = np.zeros((256, 3), np.int32)
    palette = np.array(image.getpalette("RGB"), np.int32).reshape(-1, 3)[:256]
    colors[: len(palette)] = palette
    levels = colors[:, 0]
    is_gray = bool((colors[used] == levels[used, None]).all()) and int(used.max()) < len(palette)
    if wanted == "color" and not is_gray:
        raise BrokenFileError(
            "has a palette with colors that are not gray; data.palette color needs gray levels"
        )
    by_color = is_gray and len(set(levels[used])) == len(used) and _all_known(levels[used], known)
    if is_gray and (levels[used] == used).all():
        return indices, SAME
    if wanted == "index" or (wanted is None and not by_color):
        return indices, "index"
    return levels[indices], "color"


def _all_known(values: np.ndarray, known: Collection[int]) -> bool:
    return set(values.tolist()) <= set(known)
