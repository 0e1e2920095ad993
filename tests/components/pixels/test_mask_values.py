"""A mask's values are what its author meant, however the file stores them."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.example_gen.pixels.mask import load_mask
from components.example_gen.pixels.photo import Photo
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError
from tests.components import tiny_pairs

SHAPE = (6, 8)


def table(*values: int, ignored: int | None = None) -> ClassTable:
    classes = [{"value": value, "name": f"class_{value}", "color": "#000000"} for value in values]
    return ClassTable.model_validate({"classes": classes, "ignored_value": ignored})


def stripes(*values: int) -> np.ndarray:
    """Vertical stripes, one a value, the last one to the right."""
    height, width = SHAPE
    return np.tile(np.asarray(values)[np.arange(width) * len(values) // width], (height, 1))


def palette_png(indices: np.ndarray, colors: list[tuple[int, int, int]]) -> bytes:
    image = Image.fromarray(indices.astype(np.uint8)).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([channel for color in colors for channel in color])
    return encoded(image)


def encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def gray_png(samples: np.ndarray, bits: int) -> bytes:
    """A gray PNG of 1, 2, 4, 8 or 16 bits a sample; Pillow cannot write them all."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    height, width = samples.shape
    digits = [[f"{sample:0{bits}b}" for sample in row] for row in samples]
    rows = [int("".join(row).ljust(-(-width * bits // 8) * 8, "0"), 2) for row in digits]
    lines = b"".join(b"\0" + row.to_bytes(-(-width * bits // 8), "big") for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def load(content: bytes, classes: ClassTable, palette=None):
    photo = Photo(b"", np.zeros((*SHAPE, 3), np.uint8), 1, ())
    return load_mask(content, photo, DataSettings(classes=classes, palette=palette))


def values_of(content: bytes, classes: ClassTable, palette=None) -> np.ndarray:
    return tf.io.decode_png(load(content, classes, palette).png).numpy()[..., 0]


def gray(*levels: int) -> list[tuple[int, int, int]]:
    return [(level, level, level) for level in levels]


def test_a_gray_mask_that_was_optimized_into_a_palette_keeps_its_values():
    content = palette_png(stripes(0, 1), gray(0, 2))
    np.testing.assert_array_equal(values_of(content, table(0, 1, 2)), stripes(0, 2))
    assert load(content, table(0, 1, 2)).palette == "color"
    assert load(content, table(0, 1, 2)).repairs == (
        "PNG of mode P, not 8-bit gray; values are its gray levels",
    )


@pytest.mark.parametrize(
    ("colors", "classes"),
    {
        "colors that are not gray": ([(0, 0, 0), (128, 0, 0)], table(0, 1, ignored=128)),
        "a gray that is no value": (gray(0, 255), table(0, 1)),
        "one gray for two indices": (gray(0, 0), table(0, 1)),
    }.values(),
)
def test_indices_are_values_where_the_colors_are_not(colors, classes):
    content = palette_png(stripes(0, 1), colors)
    np.testing.assert_array_equal(values_of(content, classes), stripes(0, 1))
    assert load(content, classes).palette == "index"


def test_a_mask_whose_indices_are_its_levels_is_read_either_way():
    content = palette_png(stripes(0, 1), gray(0, 1))
    for palette in (None, "index", "color"):
        np.testing.assert_array_equal(values_of(content, table(0, 1), palette), stripes(0, 1))
        assert load(content, table(0, 1), palette).palette == "same"


def test_colors_that_no_pixel_has_do_not_count():
    content = palette_png(stripes(0, 1), [*gray(0, 2), (255, 0, 0)])
    np.testing.assert_array_equal(values_of(content, table(0, 1, 2)), stripes(0, 2))


def test_the_ignored_value_may_be_a_gray_level_too():
    content = palette_png(stripes(0, 1, 2), gray(0, 1, 255))
    np.testing.assert_array_equal(values_of(content, table(0, 1, ignored=255)), stripes(0, 1, 255))


def test_the_setting_decides_what_a_palette_mask_holds():
    content = palette_png(stripes(0, 1), gray(0, 2))
    np.testing.assert_array_equal(values_of(content, table(0, 1, 2), "index"), stripes(0, 1))
    np.testing.assert_array_equal(values_of(content, table(0, 1, 2), "color"), stripes(0, 2))
    with pytest.raises(BrokenFileError, match="palette with colors that are neither gray"):
        load(palette_png(stripes(0, 1), [(0, 0, 0), (128, 0, 0)]), table(0, 1), "color")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_gray_samples_are_values_at_every_bit_depth(bits):
    content = gray_png(stripes(0, 1), bits)
    np.testing.assert_array_equal(values_of(content, table(0, 1)), stripes(0, 1))
    repairs = load(content, table(0, 1)).repairs
    assert repairs == (() if bits == 8 else (f"PNG of {bits} bits, not 8-bit gray",))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_an_optimized_mask_of_black_and_white_keeps_its_values(bits):
    content = gray_png(stripes(0, 2**bits - 1), bits)
    np.testing.assert_array_equal(values_of(content, table(0, 255)), stripes(0, 255))


def test_samples_of_16_bits_are_not_cut():
    with pytest.raises(BrokenFileError, match="has the value 257 in 24 pixels"):
        load(gray_png(stripes(0, 257), 16), table(0, 1))


def test_the_report_says_which_reading_was_taken(tmp_path, caplog):
    folder = tiny_pairs.write_folder(tmp_path / "data", [f"photo {number}" for number in range(20)], (0, 2))
    for number in range(20):
        (folder / f"masks/photo {number}.png").write_bytes(
            palette_png(np.asarray(tiny_pairs.mask(values=(0, 1))), gray(0, 2) if number < 15 else gray(0, 9))
        )
    data = tiny_pairs.DataSettings.model_validate(
        {"format": "folder", "path": str(folder), "classes": table(0, 1, 2).model_dump()}
    )
    caplog.set_level("INFO", "petseg")
    written = tiny_pairs.run_example_gen(tmp_path / "out", data)
    assert written.report["palette_masks"] == {"color": 15, "index": 5}
    assert written.report["quarantined"] == []
    assert (
        "palette masks (data.palette): 15: values are its gray levels; 5: values are its indices"
    ) in caplog.text
