"""Photo files: which formats there are, and how to open, decode and turn one upright with Pillow."""

import contextlib
import io
import math
import struct
from collections.abc import Iterable

from PIL import ExifTags, Image

from petseg.errors import BrokenFileError
from petseg.files.deep_samples import DEEP_FILE, deep_tiff, scale_to_8_bits
from petseg.files.png_chunks import without_comments

with contextlib.suppress(ImportError):
    import pillow_heif

    pillow_heif.register_heif_opener()

HEIF_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypmsf1")

BIT_DEPTH_BYTE = 24
"""Index of the bit depth in a PNG file."""

PHOTO_FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "HEIF": (".heic", ".heif"),
}
"""Endings of each format of a photo, by Pillow's name of the format.

A photo is opened by its content, whatever its ending. Pillow's other formats can do more than decode pixels.
"""

PHOTO_ENDINGS = tuple(ending for endings in PHOTO_FORMATS.values() for ending in endings)

MASK_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""Pillow's names of the formats of masks; a JPEG is one only with a threshold."""

MASK_ENDINGS = tuple(ending for name in MASK_FORMATS for ending in PHOTO_FORMATS[name])

JPEG_FORMATS = ("JPEG", "MPO")
"""Pillow's names of a JPEG; MPO is one with further pictures behind it."""

# Pillow registers WebP only when it may try every format.
Image.init()

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transpose that turns an image of each EXIF orientation upright."""


def open_image(content: bytes, formats: Iterable[str], max_pixels: int) -> Image.Image:
    """Opens an image by its header.

    Args:
        content: The file.
        formats: Pillow's names of the formats to try.
        max_pixels: The limit. Pillow's own, `Image.MAX_IMAGE_PIXELS`, does not apply and is left alone.

    Raises:
        BrokenFileError: It is in none of the formats, or has more than `max_pixels`.
    """
    image = _identify(without_comments(content), formats, max_pixels)
    if math.prod(image.size) > max_pixels:
        raise BrokenFileError(f"{image.width} x {image.height} pixels are more than the {max_pixels} allowed")
    return image


def _identify(content: bytes, formats: Iterable[str], max_pixels: int) -> Image.Image:
    """Does what Image.open does, but for its limit of pixels, which it only takes from a global variable."""
    for name in formats:
        if name not in Image.OPEN:
            # pillow-heif is not installed.
            if content[4:12] in HEIF_BRANDS:
                raise BrokenFileError("is HEIF: run pip install '.[heif]' in a checkout to read it")
            continue
        factory, accept = Image.OPEN[name]
        accepted = accept is None or accept(content[:16])
        # A text instead of True or False says why the plugin cannot help.
        if not accepted or isinstance(accepted, str):
            continue
        try:
            image = factory(io.BytesIO(content), "")
            if any(";16" in str(tile.args) for tile in image.tile) and len(image.getbands()) > 1:
                # Pillow would drop the low byte of each sample.
                image.info[DEEP_FILE] = content
            return image
        except (SyntaxError, IndexError, TypeError, struct.error):
            if name == "TIFF" and (deep := deep_tiff(content, max_pixels)) is not None:
                return deep
            # Not in this format after all.
            continue
        except Exception as error:
            raise BrokenFileError(f"is not an image: {_reason(error)}") from None
    raise BrokenFileError("is not an image in a format that can be read")


def decode(image: Image.Image) -> None:
    """Reads the pixels of an opened image.

    Raises:
        BrokenFileError: They cannot be decoded.
    """
    try:
        image.load()
    # Not only OSError: on damaged files Pillow's parsers raise all kinds of errors.
    except Exception as error:
        raise BrokenFileError(f"cannot be decoded: {_reason(error)}") from None


def exif_orientation(image: Image.Image) -> int:
    """EXIF orientation of an opened image, 1 to 8; 1 is upright, or not known.

    A JPEG's is the one that `petseg.tf_exif` reads in the graph. Neither looks at XMP's copy of it, on which
    Pillow would fall back: browsers do not obey it.
    """
    try:
        if image.format in JPEG_FORMATS:
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
        else:
            exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Damaged EXIF does not make the photo unreadable.
        return 1
    return orientation if orientation in range(1, 9) else 1


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turns an image as a viewer that supports EXIF does."""
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def upright_rgb(image: Image.Image, photo_range: tuple[float, float] | None = None) -> Image.Image:
    """Decodes an image to upright 8-bit RGB.

    Args:
        image: The opened image.
        photo_range: Samples that become black and white, of images with more than 8 bits a sample; None: 0
            and 65535.

    Raises:
        BrokenFileError: It cannot be decoded, or it has more than 8 bits a sample and needs a `photo_range`.
    """
    orientation = exif_orientation(image)
    if (deep := scale_to_8_bits(image, photo_range, decode)) is not None:
        image = Image.fromarray(deep)
    else:
        decode(image)
    # Alpha is dropped, not blended, as TensorFlow does when it decodes such a photo.
    return turn_upright(image, orientation).convert("RGB")


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
