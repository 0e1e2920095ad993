"""Opening image files: formats, endings, and a limit of pixels of our own."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from petseg.errors import BrokenFileError
from petseg.files.image_file import PHOTO_ENDINGS, PHOTO_FORMATS, decode, open_image


def encoded(name: str, size: tuple[int, int] = (4, 3)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, name)
    return buffer.getvalue()


def test_endings_are_those_of_the_formats():
    assert PHOTO_ENDINGS == (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
    Image.init()
    assert all(Image.EXTENSION[ending] in PHOTO_FORMATS for ending in PHOTO_ENDINGS)


@pytest.mark.parametrize("name", PHOTO_FORMATS)
def test_every_format_is_told_by_its_content(name):
    image = open_image(encoded(name), PHOTO_FORMATS, max_pixels=12)
    decode(image)
    assert (image.format, image.size) == (name, (4, 3))
    assert np.asarray(image.convert("RGB")).min() > 250


def test_another_format_is_refused():
    with pytest.raises(BrokenFileError, match="is not an image in a format that can be read"):
        open_image(encoded("TIFF"), PHOTO_FORMATS, max_pixels=12)
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
