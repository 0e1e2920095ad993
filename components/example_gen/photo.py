"""A photo's bytes: checked, and repaired to what every reader of the examples can decode."""

import io
import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
"""What is tried on a photo, whatever its ending; Pillow's other formats can do more than decode pixels."""

# Pillow would register WebP only when it may try every format.
Image.init()

JPEG_QUALITY = 95


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image of each EXIF orientation upright."""


class BrokenFileError(Exception):
    """A file that cannot be used, with the reason."""


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
    image = open_image(content, FORMATS, max_pixels)
    orientation = _orientation(image)
    repairs = _needed_repairs(image, orientation)
    if not repairs:
        try:
            return Photo(content, tf.io.decode_jpeg(content).numpy(), orientation, ())
        except tf.errors.InvalidArgumentError:
            # Pillow is the more patient of the two: what it can still read is written anew.
            repairs = ("TensorFlow cannot decode the JPEG",)
    jpeg = _encode_jpeg(image, orientation)
    return Photo(jpeg, tf.io.decode_jpeg(jpeg, channels=3).numpy(), orientation, repairs)


def open_image(content: bytes, formats: tuple[str, ...], max_pixels: int) -> Image.Image:
    """Opens an image by its header.

    Raises:
        BrokenFileError: It is in none of the formats, or has more than `max_pixels`.
    """
    # Our own bound holds, before decoding; Pillow's would only warn or refuse at another number.
    Image.MAX_IMAGE_PIXELS = None
    try:
        image = Image.open(io.BytesIO(content), formats=formats)
    except Exception as error:
        raise BrokenFileError(f"no image: {_reason(error)}") from None
    if math.prod(image.size) > max_pixels:
        raise BrokenFileError(
            f"{image.width} x {image.height} pixels are more than data.max_pixels, {max_pixels}"
        )
    return image


def decode(image: Image.Image) -> None:
    """Reads the pixels of an opened image.

    Raises:
        BrokenFileError: They cannot be decoded.
    """
    try:
        image.load()
    # Not only OSError: on damaged files Pillow's parsers raise whatever they stumble over.
    except Exception as error:
        raise BrokenFileError(f"cannot be decoded: {_reason(error)}") from None


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """What a viewer that knows EXIF shows."""
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "in none of the formats that can be read" if "cannot identify image" in text else text


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Damaged EXIF does not make the photo unreadable; nor would TensorFlow have looked at it.
        return 1
    return orientation if orientation in range(1, 9) else 1


def _needed_repairs(image: Image.Image, orientation: int) -> tuple[str, ...]:
    repairs = []
    if image.format not in ("JPEG", "MPO"):
        repairs.append(f"{image.format}, not JPEG")
    if image.mode != "RGB":
        repairs.append(f"colours are {image.mode}, not RGB")
    if orientation != 1:
        repairs.append(f"turned by EXIF orientation {orientation}")
    return tuple(repairs)


def _encode_jpeg(image: Image.Image, orientation: int) -> bytes:
    decode(image)
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip at 255 where it should scale.
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
    # Alpha is dropped, not blended: that is what TensorFlow does when a client sends such a photo.
    upright = turn_upright(image, orientation).convert("RGB")
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
