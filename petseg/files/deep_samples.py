"""Images with more than 8 bits a sample: 16-bit and float TIFF, 16-bit PNG."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from petseg.errors import BrokenFileError

DEEP_FILE = "petseg_deep_file"
"""Key in an image's `info` of its file, whose samples Pillow does not read in full depth."""

ALMOST_BLACK = 4096
"""16-bit samples below this would be as dark as the darkest sixteenth of the range."""


def deep_tiff(content: bytes, max_pixels: int) -> Image.Image | None:
    """Opens a TIFF that Pillow cannot read, such as one of float RGB.

    Returns:
        A black image of its size with the file in its `info`; None if it cannot be read either.

    Raises:
        BrokenFileError: It has more than `max_pixels`.
    """
    # Imported here: only such files need it.
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages.first
            height, width, kind = page.imagelength, page.imagewidth, page.dtype
    except Exception:
        return None
    if kind is None or kind.kind not in "uif" or not height or not width:
        return None
    if height * width > max_pixels:
        raise BrokenFileError(f"{width} x {height} pixels are more than the {max_pixels} allowed")
    image = Image.new("RGB", (width, height))
    image.format = "TIFF"
    image.info[DEEP_FILE] = content
    return image


def scale_to_8_bits(
    image: Image.Image, photo_range: tuple[float, float] | None, decode: Callable[[Image.Image], None]
) -> np.ndarray | None:
    """Scales the samples of an image with more than 8 bits a sample.

    Args:
        image: An opened image.
        photo_range: Samples that become 0 and 255; None: 0 and 65535.
        decode: Reads the pixels of an image that Pillow reads in full depth.

    Returns:
        uint8 [height, width] or [height, width, 3], as the file lies; None for an image of 8 bits.

    Raises:
        BrokenFileError: It cannot be decoded, or its samples need a `photo_range`.
    """
    if DEEP_FILE in image.info:
        samples = deep_file_samples(image.info[DEEP_FILE], str(image.format))
    elif image.mode.startswith("I") or image.mode == "F":
        decode(image)
        samples = np.asarray(image)
    else:
        return None
    if photo_range is None:
        if samples.dtype.kind == "f":
            raise BrokenFileError(
                f"has float samples from {np.nanmin(samples):g} to {np.nanmax(samples):g}; set "
                "data.photo_range, such as [0, 1]"
            )
        brightest = int(samples.max())
        if brightest < ALMOST_BLACK:
            raise BrokenFileError(
                f"has 16-bit samples of at most {brightest}, so it would be almost black; set "
                f"data.photo_range, such as [0, {2 ** brightest.bit_length() - 1}]"
            )
        return (samples.clip(0, 65535) // 256).astype(np.uint8)
    black, white = photo_range
    scaled = (np.nan_to_num(samples.astype(np.float64), nan=black) - black) * (255 / (white - black))
    return np.rint(scaled.clip(0, 255)).astype(np.uint8)


def deep_file_samples(content: bytes, kind: str) -> np.ndarray:
    """Samples in full depth: [height, width] or [height, width, 3].

    Args:
        content: The file.
        kind: `PNG`, which imports TensorFlow, or `TIFF`.

    Raises:
        BrokenFileError: It cannot be decoded.
    """
    if kind == "PNG":
        # Imported here: it takes seconds, and only 16-bit color PNGs need it.
        import tensorflow as tf

        try:
            samples = tf.io.decode_png(content, channels=3, dtype=tf.uint16).numpy()
        except tf.errors.InvalidArgumentError as error:
            raise BrokenFileError(f"cannot be decoded: {error.message}") from None
    else:
        import tifffile

        try:
            with tifffile.TiffFile(io.BytesIO(content)) as file:
                page = file.pages.first
                samples = page.asarray()
                axes = page.axes
        except Exception as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BrokenFileError(f"cannot be decoded: {first}") from None
        if axes.startswith("S"):
            samples = np.moveaxis(samples, 0, -1)
    if samples.ndim == 3:
        samples = samples[..., 0] if samples.shape[-1] < 3 else samples[..., :3]
    if samples.ndim != 2 and samples.ndim != 3:
        raise BrokenFileError(f"has samples of {samples.ndim} dimensions; a photo must have 2 or 3")
    return samples
