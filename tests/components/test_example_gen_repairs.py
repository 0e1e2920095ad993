"""Photos keep their bytes where the image path decodes them upright; else they become PNGs, without loss."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from tests.components import tiny_pairs
from tests.components.tiny_pairs import Written, pets_data, run_example_gen
from tests.exif_files import stored, turned_jpeg

PHOTO = tiny_pairs.photo(seed=77)
GRAY = PHOTO.convert("L")
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


EXIF_6 = Image.Exif()
EXIF_6[ExifTags.Base.Orientation] = 6
SIXTEEN_BIT = Image.fromarray(np.asarray(GRAY).astype(np.uint16) * 257)

REPAIRED = {
    "gif": ("Bengal_1", save(PALETTE, "GIF"), "GIF of mode P"),
    "palette png": ("Bengal_3", save(PALETTE, "PNG"), "PNG of mode P"),
    "png with EXIF": ("Bengal_5", save(PHOTO, "PNG", exif=EXIF_6), "PNG turned by EXIF orientation 6"),
    "bmp": ("Bengal_7", save(PHOTO, "BMP"), "BMP of mode RGB"),
    "webp": ("pug_1", save(PHOTO, "WEBP", lossless=True), "WEBP of mode RGB"),
    "cmyk": ("pug_3", save(PHOTO.convert("CMYK"), "JPEG", quality=95), "JPEG of mode CMYK"),
    "16-bit gray": ("pug_7", save(SIXTEEN_BIT, "PNG"), "PNG of mode I;16"),
}
"""Name, how it is written, and why it becomes a PNG."""

KEPT = {
    "png": ("Bengal_0", save(PHOTO, "PNG")),
    "png with alpha": ("Bengal_2", save(with_alpha(), "PNG")),
    "gray png": ("Bengal_4", save(GRAY, "PNG")),
    "gray jpeg": ("Bengal_6", save(GRAY, "JPEG", quality=95)),
    "progressive jpeg": ("pug_0", save(PHOTO, "JPEG", progressive=True)),
    "jpeg with EXIF": ("pug_2", save(PHOTO, "JPEG", exif=EXIF_6)),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    folder = tiny_pairs.write_pets(tmp_path_factory.mktemp("repairs") / "pets")
    for name, write, *_ in (*REPAIRED.values(), *KEPT.values()):
        write(folder / f"images/{name}.jpg")
        with Image.open(folder / f"images/{name}.jpg") as image:
            height, width = np.asarray(ImageOps.exif_transpose(image)).shape[:2]
        tiny_pairs.mask(height, width).save(folder / f"annotations/trimaps/{name}.png")
    palette_mask().save(folder / "annotations/trimaps/Bengal_101.png")
    Image.fromarray(np.asarray(tiny_pairs.mask()).astype(np.uint16)).save(
        folder / "annotations/trimaps/pug_100.png"
    )
    # The copies of one photo may lie in two splits: as files they all differ.
    return run_example_gen(tmp_path_factory.mktemp("out"), pets_data(folder))


@pytest.mark.parametrize("kind", REPAIRED)
def test_photo_becomes_a_png_without_loss(written, kind):
    name, _, reason = REPAIRED[kind]
    assert written.reason("repaired", f"images/{name}.jpg") == f"{reason}; stored as PNG"
    example = written.example(name)
    encoded = Image.open(io.BytesIO(tiny_pairs.raw(example, "image/encoded")))
    assert (encoded.format, encoded.mode) == ("PNG", "RGB")
    file = io.BytesIO()
    REPAIRED[kind][1](file)
    seen = GRAY if kind == "16-bit gray" else ImageOps.exif_transpose(Image.open(file))
    np.testing.assert_array_equal(tiny_pairs.decoded_photo(example), np.asarray(seen.convert("RGB")))


@pytest.mark.parametrize("kind", KEPT)
def test_photo_keeps_its_bytes(written, kind):
    name, write = KEPT[kind]
    example = written.example(name)
    file = io.BytesIO()
    write(file)
    assert tiny_pairs.raw(example, "image/encoded") == file.getvalue()
    seen = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    height, width = (tiny_pairs.integer(example, f"image/{side}") for side in ("height", "width"))
    assert seen.size == (width, height)
    difference = np.abs(tiny_pairs.decoded_photo(example).astype(int) - np.asarray(seen))
    assert difference.mean() <= (3 if "jpeg" in kind else 0)  # two decoders of JPEG


@pytest.mark.parametrize("name", ["Bengal_101", "pug_100"])
def test_mask_of_palette_indices_or_16_bit_keeps_its_values(written, name):
    example = written.example(name)
    assert "not 8-bit gray" in written.reason("repaired", f"annotations/trimaps/{name}.png")
    np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), np.asarray(tiny_pairs.mask()))
    png = Image.open(io.BytesIO(tiny_pairs.raw(example, "mask/encoded")))
    assert png.mode == "L"


def test_nothing_else_was_changed(written):
    assert len(written.report["repaired"]) == len(REPAIRED) + 2
    assert written.report["quarantined"] == []


ORIENTATIONS = dict(
    enumerate(["Bengal_1", "Bengal_3", "Bengal_5", "Bengal_7", "pug_1", "pug_3", "pug_5"], start=2)
)


def write_turned(folder: Path, *, turn_mask: bool) -> None:
    """Photos whose EXIF orientation makes them PHOTO, with masks that are upright or turned like them."""
    for orientation, name in ORIENTATIONS.items():
        (folder / f"images/{name}.jpg").write_bytes(turned_jpeg(PHOTO, orientation))
        mask = tiny_pairs.mask()
        (stored(mask, orientation) if turn_mask else mask).save(folder / f"annotations/trimaps/{name}.png")


@pytest.mark.parametrize("turn_mask", [True, False])
def test_exif_turned_photos_become_upright_with_their_masks(tmp_path, turn_mask):
    folder = tiny_pairs.write_pets(tmp_path / "pets")
    write_turned(folder, turn_mask=turn_mask)
    written = run_example_gen(tmp_path / "out", pets_data(folder))
    for orientation, name in ORIENTATIONS.items():
        example = written.example(name)
        content = (folder / f"images/{name}.jpg").read_bytes()
        assert tiny_pairs.raw(example, "image/encoded") == content
        assert tiny_pairs.integer(example, "image/height") == 48
        assert tiny_pairs.integer(example, "image/width") == 64
        difference = np.abs(tiny_pairs.decoded_photo(example).astype(int) - np.asarray(PHOTO).astype(int))
        assert difference.mean() < 8, orientation
        # Where a size does not tell, the other pairs do.
        np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), np.asarray(tiny_pairs.mask()))
    told = {"stored" if turn_mask else "upright": 4}
    assert written.report["exif"] == {"told": told, "open": 3, "turned": turn_mask, "decided_by": "sizes"}
