"""Opening image files: formats, endings, and a limit of pixels of our own."""

import io
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from petseg.errors import BrokenFileError
from petseg.files.image_file import PHOTO_ENDINGS, PHOTO_FORMATS, decode, open_image, upright_rgb


def encoded(name: str, size: tuple[int, int] = (4, 3)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, name)
    return buffer.getvalue()


def test_endings_are_those_of_the_formats():
    assert set(PHOTO_ENDINGS) >= {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".heic"}
    Image.init()
    readable = [ending for name, endings in PHOTO_FORMATS.items() if name in Image.OPEN for ending in endings]
    assert all(Image.EXTENSION[ending] in PHOTO_FORMATS for ending in readable)


@pytest.mark.parametrize("name", [name for name in PHOTO_FORMATS if name != "HEIF"])
def test_every_format_is_told_by_its_content(name):
    image = open_image(encoded(name), PHOTO_FORMATS, max_pixels=12)
    decode(image)
    assert (image.format, image.size) == (name, (4, 3))
    assert np.asarray(image.convert("RGB")).min() > 250


def test_another_format_is_refused():
    with pytest.raises(BrokenFileError, match="is not an image in a format that can be read"):
        open_image(encoded("PPM"), PHOTO_FORMATS, max_pixels=12)
    with pytest.raises(BrokenFileError, match="is not an image in a format that can be read"):
        open_image(encoded("JPEG"), ("PNG",), max_pixels=12)


def test_our_limit_holds_and_pillows_is_left_alone(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(open_image(encoded("PNG", (100, 100)), PHOTO_FORMATS, max_pixels=10_000))
    with pytest.raises(BrokenFileError, match="100 x 100 pixels are more than the 9999 allowed"):
        open_image(encoded("PNG", (100, 100)), PHOTO_FORMATS, max_pixels=9_999)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_heif_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(BrokenFileError, match=r"is HEIF: run pip install '\.\[heif\]' in a checkout"):
        open_image(b"\0\0\0\x18ftypheic" + bytes(100), PHOTO_FORMATS, max_pixels=12)


RAMP = np.linspace(0, 4095, 48 * 64).reshape(48, 64)
COLOR_RAMP = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1)


def deep_file(kind: str, samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    if kind == "PNG":
        buffer.write(tf.io.encode_png(samples if samples.ndim == 3 else samples[..., None]).numpy())
    else:
        tifffile.imwrite(buffer, samples, photometric="rgb" if samples.ndim == 3 else "minisblack")
    return buffer.getvalue()


DEEP = {
    "16-bit gray PNG": ("PNG", RAMP.astype(np.uint16)),
    "16-bit color PNG": ("PNG", COLOR_RAMP.astype(np.uint16)),
    "16-bit gray TIFF": ("TIFF", RAMP.astype(np.uint16)),
    "16-bit color TIFF": ("TIFF", COLOR_RAMP.astype(np.uint16)),
    "float gray TIFF": ("TIFF", RAMP.astype(np.float32)),
    "float color TIFF": ("TIFF", COLOR_RAMP.astype(np.float32)),
}


@pytest.mark.parametrize("kind", DEEP)
def test_photos_of_more_than_8_bits_are_scaled_by_their_range(kind):
    name, samples = DEEP[kind]
    content = deep_file(name, samples)
    pixels = np.asarray(upright_rgb(open_image(content, PHOTO_FORMATS, 10**6), (0, 4095)))
    expected = np.rint(samples / 4095 * 255).astype(np.uint8)
    np.testing.assert_array_equal(pixels, expected if samples.ndim == 3 else np.stack([expected] * 3, -1))
    with pytest.raises(BrokenFileError, match=r"set data.photo_range, such as \[0, (4095|1)\]"):
        upright_rgb(open_image(content, PHOTO_FORMATS, 10**6))
    with pytest.raises(BrokenFileError, match="64 x 48 pixels are more than the 3071 allowed"):
        open_image(content, PHOTO_FORMATS, 64 * 48 - 1)


def test_the_whole_range_of_16_bits_needs_no_setting():
    content = deep_file("TIFF", (COLOR_RAMP * 16).astype(np.uint16))
    pixels = np.asarray(upright_rgb(open_image(content, PHOTO_FORMATS, 10**6)))
    np.testing.assert_array_equal(pixels, ((COLOR_RAMP * 16).astype(np.uint16) // 256).astype(np.uint8))


def test_a_damaged_deep_photo_is_broken():
    content = deep_file("TIFF", COLOR_RAMP.astype(np.uint16))
    with pytest.raises(BrokenFileError, match="cannot be decoded"):
        upright_rgb(open_image(content[: len(content) // 2], PHOTO_FORMATS, 10**6), (0, 4095))
