"""What one photo or one mask holds."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from components.example_gen.looks.values import checksum, count_values, typical_widths, values_kept
from components.example_gen.near_duplicates import difference_hash
from petseg.errors import BrokenFileError
from petseg.files.deep_samples import DEEP_FILE, deep_file_samples
from petseg.files.image_file import (
    BIT_DEPTH_BYTE,
    PHOTO_FORMATS,
    decode,
    exif_orientation,
    open_image,
    turn_upright,
)

MAX_PIXELS = 200_000_000
FEW_VALUES = 64
"""A file with no more different values than this looks like a mask."""

SMALL_SIDE = 256
"""Side in pixels to which a large JPEG may be shrunk while it is decoded."""


@dataclass(frozen=True)
class PhotoLook:
    """A photo, decoded.

    Attributes:
        format: Pillow's name.
        mode: Pillow's mode: channels and type of the samples.
        bits: Of a sample.
        width: Upright, in pixels.
        height: Upright, in pixels.
        orientation: EXIF orientation, 1 to 8.
        samples: Lowest and highest of samples of more than 8 bits; None for 8 bits, and for 16-bit color
            PNGs, which only TensorFlow reads in full.
        sha256: Of the file.
        hash: Perceptual hash, see near_duplicates.
    """

    format: str
    mode: str
    bits: int
    width: int
    height: int
    orientation: int
    samples: tuple[float, float] | None
    sha256: str
    hash: str


@dataclass(frozen=True)
class MaskLook:
    """A mask, decoded.

    Attributes:
        format: Pillow's name.
        mode: Pillow's mode.
        bits: Of a sample.
        width: As stored, in pixels.
        height: As stored, in pixels.
        kind: `gray`: values are samples; `palette`: indices of a palette; `color`: RGB colors.
        values: Number of pixels of each value; a color is the number 0xRRGGBB.
        palette: Color of each index in use, where it is a palette.
        levels: Whether `values` and `kept` have the gray levels of a palette's colors, see `in_gray_levels`.
        digest: Checksum of all values.
        kept: Values that are left after resizing by nearest neighbor, by side in pixels.
        widths: Typical width in pixels of the areas of each value; see `typical_widths`.
    """

    format: str
    mode: str
    bits: int
    width: int
    height: int
    kind: str
    values: dict[int, int]
    palette: dict[int, int]
    digest: int
    kept: dict[int, frozenset[int]] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    levels: bool = False

    def level(self, index: int) -> int:
        """Gray level of an index of the palette."""
        return self.palette.get(index, index) & 255


def look_at_photo(content: bytes) -> tuple[PhotoLook, Image.Image]:
    """Decodes a photo.

    Returns:
        What it holds, and the photo, RGB and upright; a large JPEG at a fraction of its size.

    Raises:
        BrokenFileError: It is no photo, or damaged.
    """
    image = open_image(content, PHOTO_FORMATS, MAX_PIXELS)
    bits, mode, size, format_name = _bits(image, content), image.mode, image.size, image.format or ""
    orientation = exif_orientation(image)
    deep = _deep_samples(image)
    # A large JPEG need not be decoded at its size for its hash; a cut one is found all the same.
    image.draft(None, (SMALL_SIDE, SMALL_SIDE))
    decode(image)
    if deep is not None:
        bits, image = 8 * deep.dtype.itemsize, _as_8_bits(deep)
    width, height = size if orientation < 5 else size[::-1]
    upright = to_rgb(turn_upright(image, orientation))
    look = PhotoLook(
        format_name,
        mode,
        bits,
        width,
        height,
        orientation,
        None if deep is None else (np.nanmin(deep).item(), np.nanmax(deep).item()),
        hashlib.sha256(content).hexdigest(),
        difference_hash(np.asarray(upright.convert("L"))),
    )
    return look, upright


def look_at_mask(content: bytes) -> tuple[MaskLook, np.ndarray]:
    """Decodes a mask and counts its values.

    Returns:
        What it holds, and its values as `mask_pixels` returns them.

    Raises:
        BrokenFileError: It is no image, or damaged.
    """
    image = open_image(content, PHOTO_FORMATS, MAX_PIXELS)
    decode(image)
    pixels, kind = mask_pixels(image, content)
    counted = count_values(pixels)
    palette: dict[int, int] = {}
    if kind == "palette":
        colors = np.zeros((256, 3), np.int64)
        listed = np.array(image.getpalette("RGB"), np.int64).reshape(-1, 3)[:256]
        colors[: len(listed)] = listed
        palette = {number: int(_packed(colors[number])) for number in counted}
    look = MaskLook(
        image.format or "",
        image.mode,
        _bits(image, content),
        image.width,
        image.height,
        kind,
        counted,
        palette,
        checksum(pixels),
        values_kept(pixels, counted),
        typical_widths(pixels, counted),
    )
    return look, pixels


def is_gray(color: int) -> bool:
    """Whether a color 0xRRGGBB is a gray."""
    return color == (color & 255) * 0x010101


def in_gray_levels(mask: MaskLook) -> MaskLook:
    """A mask of a palette of grays with the levels in place of the indices; other masks as they are."""
    if mask.kind != "palette":
        return mask
    values: Counter[int] = Counter()
    for index, count in mask.values.items():
        values[mask.level(index)] += count
    kept = {side: frozenset(map(mask.level, indices)) for side, indices in mask.kept.items()}
    return replace(mask, values=dict(values), kept=kept, levels=True)


def mask_pixels(image: Image.Image, content: bytes) -> tuple[np.ndarray, str]:
    """Values of a decoded mask, integers [height, width], and their kind as in MaskLook.

    Raises:
        BrokenFileError: Its samples are not whole numbers.
    """
    if image.mode == "P":
        return np.asarray(image), "palette"
    if image.mode in ("RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"):
        rgb = np.asarray(image.convert("RGB"))
        if (rgb == rgb[..., :1]).all():
            return rgb[..., 0], "gray"
        return _packed(rgb.astype(np.int32)), "color"
    samples = np.asarray(image.getchannel(0) if len(image.getbands()) > 1 else image)
    if samples.dtype.kind == "f" and not (samples == np.round(samples)).all():
        raise BrokenFileError("has samples that are no whole numbers")
    values = samples if samples.dtype.kind == "u" else samples.astype(np.int64)
    if image.format == "PNG" and content[BIT_DEPTH_BYTE] in (2, 4):
        # Pillow has scaled them to 8 bits.
        values = values // (255 // (2 ** content[BIT_DEPTH_BYTE] - 1))
    return values, "gray"


def looks_like_mask(content: bytes) -> bool:
    """Whether an image has few values, as masks have and photos do not."""
    try:
        image = open_image(content, PHOTO_FORMATS, MAX_PIXELS)
        decode(image)
        values = Counter(count_values(mask_pixels(image, content)[0]))
    except BrokenFileError:
        return False
    # Masks stored as JPEG have values between the classes, but few pixels of them.
    often = sum(count for _, count in values.most_common(FEW_VALUES))
    return len(values) <= FEW_VALUES or (image.mode == "L" and often > 0.97 * values.total())


def to_rgb(image: Image.Image) -> Image.Image:
    """An image as 8-bit RGB for pictures and hashes; deeper samples are scaled to what is there."""
    return (_as_8_bits(np.asarray(image)) if image.mode.startswith(("I", "F")) else image).convert("RGB")


def _as_8_bits(samples: np.ndarray) -> Image.Image:
    low, high = float(np.nanmin(samples)), float(np.nanmax(samples))
    scaled = (np.nan_to_num(samples.astype(np.float64)) - low) * (255 / (high - low) if high > low else 0)
    return Image.fromarray(scaled.astype(np.uint8))


def _deep_samples(image: Image.Image) -> np.ndarray | None:
    """Samples of an opened photo with more than 8 bits each, where they can be read without TensorFlow."""
    if DEEP_FILE in image.info:
        kind = str(image.format)
        return None if kind == "PNG" else deep_file_samples(image.info[DEEP_FILE], kind)
    if not image.mode.startswith(("I", "F")):
        return None
    decode(image)
    return np.asarray(image)


def _packed(colors: np.ndarray) -> np.ndarray:
    return (colors[..., 0] << 16) | (colors[..., 1] << 8) | colors[..., 2]


def _bits(image: Image.Image, content: bytes) -> int:
    """Bits of a sample as stored."""
    if image.format == "PNG":
        return content[BIT_DEPTH_BYTE]
    if image.mode == "1":
        return 1
    return 16 if image.mode.startswith("I;16") else 32 if image.mode in ("I", "F") else 8
