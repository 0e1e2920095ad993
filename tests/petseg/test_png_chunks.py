"""A PNG is read for its pixels, whatever else it holds."""

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from components.example_gen.pixels.photo import load_photo
from petseg.files.image_file import PHOTO_FORMATS, exif_orientation, open_image, upright_rgb
from petseg.files.png_chunks import without_comments
from petseg.photo_settings import PhotoSettings
from petseg.tf_photo import decode_photo
from pipeline.prediction.segmenting import upright_photo
from tests.trainer.pictures import encode, smooth_photo

PHOTO = smooth_photo(np.random.default_rng(0), 20, 30)
LARGE = "a long story " * (PngImagePlugin.MAX_TEXT_CHUNK // 10)


def comment(compressed: bool, international: bool = False) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if international:
        info.add_itxt("Comment", LARGE, zip=compressed)
    else:
        info.add_text("Comment", LARGE, zip=compressed)
    return info


FILES = {
    "compressed comment": encode(PHOTO, "PNG", pnginfo=comment(compressed=True)),
    "international comment": encode(PHOTO, "PNG", pnginfo=comment(compressed=True, international=True)),
    "plain comment": encode(PHOTO, "PNG", pnginfo=comment(compressed=False)),
    "color profile": encode(PHOTO, "PNG", icc_profile=LARGE.encode()),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_png_with_a_large_comment_or_profile_is_read_without_it(kind, tmp_path):
    (tmp_path / "photo.png").write_bytes(FILES[kind])
    content = (tmp_path / "photo.png").read_bytes()
    np.testing.assert_array_equal(upright_photo(content, PhotoSettings()), PHOTO)
    photo = load_photo(FILES[kind], 10**6)
    np.testing.assert_array_equal(photo.pixels(), PHOTO)
    np.testing.assert_array_equal(decode_photo(photo.encoded), PHOTO)


def test_a_comment_behind_the_pixels_is_left_out_too():
    plain = encode(PHOTO, "PNG")
    content = FILES["compressed comment"]
    start = content.index(b"zTXt") - 4
    chunk = content[start : start + 12 + int.from_bytes(content[start : start + 4], "big")]
    np.testing.assert_array_equal(
        upright_rgb(open_image(plain[:-12] + chunk + plain[-12:], PHOTO_FORMATS, 10**6)), PHOTO
    )


def test_exif_in_a_png_is_not_left_out():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = open_image(
        encode(PHOTO, "PNG", exif=exif, pnginfo=comment(compressed=True)), PHOTO_FORMATS, 10**6
    )
    assert exif_orientation(image) == 6


@pytest.mark.parametrize("content", [b"", b"text", FILES["color profile"][:60], encode(PHOTO)])
def test_other_files_and_halves_are_left_as_they_are(content):
    kept = without_comments(content)
    assert kept == content or content.startswith(kept)
