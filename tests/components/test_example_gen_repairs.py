"""What is no upright 8-bit RGB JPEG becomes one, and the note says so."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from petseg.files.image_file import TURNS
from tests.components import tiny_pairs
from tests.components.tiny_pairs import Written, pets_data, run_example_gen

PHOTO = tiny_pairs.photo(seed=77)
GREY = PHOTO.convert("L")
PALETTE = PHOTO.quantize(256)


def palette_mask() -> Image.Image:
    image = tiny_pairs.mask().convert("L")
    palette = Image.fromarray(np.asarray(image)).convert("P")
    palette.putdata(list(np.asarray(image).ravel()))
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    return palette


def save(image: Image.Image, kind: str, **options: object):
    return lambda path: image.save(path, kind, **options)


def with_alpha() -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.putalpha(128)
    return image


SIXTEEN_BIT = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)

REPAIRED = {
    "gif": ("Bengal_1", save(PALETTE, "GIF"), "GIF, not JPEG", PALETTE.convert("RGB")),
    "png with alpha": ("Bengal_3", save(with_alpha(), "PNG"), "PNG, not JPEG; colours are RGBA", PHOTO),
    "png": ("Bengal_5", save(PHOTO, "PNG"), "PNG, not JPEG", PHOTO),
    "bmp": ("Bengal_7", save(PHOTO, "BMP"), "BMP, not JPEG", PHOTO),
    "webp": ("pug_1", save(PHOTO, "WEBP", lossless=True), "WEBP, not JPEG", PHOTO),
    "cmyk": ("pug_3", save(PHOTO.convert("CMYK"), "JPEG", quality=95), "colours are CMYK, not RGB", PHOTO),
    "grey": ("pug_5", save(GREY, "JPEG", quality=95), "colours are L, not RGB", GREY.convert("RGB")),
    "16-bit grey": ("pug_7", save(SIXTEEN_BIT, "PNG"), "PNG, not JPEG; colours are I", GREY.convert("RGB")),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    folder = tiny_pairs.write_pets(tmp_path_factory.mktemp("repairs") / "pets")
    for name, write, _, _ in REPAIRED.values():
        write(folder / f"images/{name}.jpg")
    palette_mask().save(folder / "annotations/trimaps/Bengal_101.png")
    Image.fromarray(np.asarray(tiny_pairs.mask()).astype(np.uint16)).save(
        folder / "annotations/trimaps/pug_100.png"
    )
    # The eight copies of one photo may lie in two splits: as files they all differ.
    return run_example_gen(tmp_path_factory.mktemp("out"), pets_data(folder))


@pytest.mark.parametrize("kind", REPAIRED)
def test_photo_is_repaired(written, kind):
    name, _, reason, expected = REPAIRED[kind]
    assert written.reason("repaired", f"images/{name}.jpg").startswith(reason)
    pixels = tiny_pairs.decoded_photo(written.example(name))
    assert pixels.shape == (48, 64, 3)
    difference = np.abs(pixels.astype(int) - np.asarray(expected).astype(int))
    assert difference.mean() < 8, "the repaired photo does not look like the source"


@pytest.mark.parametrize("name", ["Bengal_101", "pug_100"])
def test_mask_of_palette_indices_or_16_bit_keeps_its_values(written, name):
    example = written.example(name)
    assert "not 8-bit gray" in written.reason("repaired", f"annotations/trimaps/{name}.png")
    np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), np.asarray(tiny_pairs.mask()))
    png = Image.open(io.BytesIO(tiny_pairs.raw(example, "mask/encoded")))
    assert png.mode == "L"


def test_nothing_else_was_touched(written):
    assert len(written.report["repaired"]) == len(REPAIRED) + 2
    assert written.report["quarantined"] == []


ORIENTATIONS = dict(
    enumerate(["Bengal_1", "Bengal_3", "Bengal_5", "Bengal_7", "pug_1", "pug_3", "pug_5"], start=2)
)


def write_turned(folder: Path, *, turn_mask: bool) -> None:
    """Photos whose EXIF orientation makes them PHOTO, with masks that are upright or turned like them."""
    for orientation, name in ORIENTATIONS.items():
        back = {6: TURNS[8], 8: TURNS[6]}.get(orientation, TURNS[orientation])
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        PHOTO.transpose(back).save(folder / f"images/{name}.jpg", quality=95, exif=exif)
        mask = tiny_pairs.mask()
        (mask.transpose(back) if turn_mask else mask).save(folder / f"annotations/trimaps/{name}.png")


@pytest.mark.parametrize("turn_mask", [True, False])
def test_exif_turned_photos_become_upright_with_their_masks(tmp_path, turn_mask):
    folder = tiny_pairs.write_pets(tmp_path / "pets")
    write_turned(folder, turn_mask=turn_mask)
    written = run_example_gen(tmp_path / "out", pets_data(folder))
    for orientation, name in ORIENTATIONS.items():
        example = written.example(name)
        assert f"EXIF orientation {orientation}" in written.reason("repaired", f"images/{name}.jpg")
        difference = np.abs(tiny_pairs.decoded_photo(example).astype(int) - np.asarray(PHOTO).astype(int))
        assert difference.mean() < 8, orientation
        # An upright mask of the stored photo's size cannot be told from a turned one: it is turned.
        if turn_mask or orientation >= 5:
            np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), np.asarray(tiny_pairs.mask()))
