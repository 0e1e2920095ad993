"""Masks in every format and mode that people have become the values of the class table."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from components.example_gen.pixels.mask import load_mask
from components.example_gen.pixels.photo import Photo
from components.example_gen.settings import DataSettings
from petseg.errors import BrokenFileError

HEIGHT, WIDTH = 12, 20
RED, BLUE = "#d62728", "#1f77b4"


def data(classes: object, **others: object) -> DataSettings:
    return DataSettings.model_validate({"classes": classes, **others})


def photo(height: int = HEIGHT, width: int = WIDTH, orientation: int = 1) -> Photo:
    return Photo(b"", np.zeros((height, width, 3), np.uint8), orientation, ())


def drawn(*values: int) -> np.ndarray:
    """Vertical stripes of values, int [HEIGHT, WIDTH]."""
    return np.tile(np.asarray(values)[np.arange(WIDTH) * len(values) // WIDTH], (HEIGHT, 1))


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind, **options)
    return file.getvalue()


def values(content: bytes, settings_: DataSettings) -> np.ndarray:
    mask = load_mask(content, photo(), settings_)
    stored = np.asarray(Image.open(io.BytesIO(mask.png)))
    np.testing.assert_array_equal(stored, mask.values)
    return stored


def painted(classes: dict[int, str], numbers: np.ndarray) -> np.ndarray:
    colors = np.zeros((256, 3), np.uint8)
    for value, color in classes.items():
        colors[value] = list(bytes.fromhex(color[1:]))
    return colors[numbers]


THREE = data({0: "ground", 1: "disc", 2: "square"})
GRAY = drawn(0, 1, 2).astype(np.uint8)
EQUAL = np.stack([GRAY] * 3, axis=-1)


def paletted() -> Image.Image:
    image = Image.fromarray(GRAY).convert("P")
    image.putdata(GRAY.ravel().tolist())
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 0, 200])
    return image


NUMBERS = {
    "PNG": encoded(GRAY, "PNG"),
    "16-bit PNG": encoded(GRAY.astype(np.uint16), "PNG"),
    "palette PNG": encoded(paletted(), "PNG"),
    "RGB PNG": encoded(EQUAL, "PNG"),
    "RGBA PNG, opaque": encoded(np.dstack([EQUAL, np.full_like(GRAY, 255)]), "PNG"),
    "RGBA PNG, four equal channels": encoded(np.dstack([EQUAL, GRAY]), "PNG"),
    "gray PNG with opaque alpha": encoded(np.dstack([GRAY, np.full_like(GRAY, 255)]), "PNG"),
    "GIF": encoded(paletted(), "GIF"),
    "gray GIF": encoded(GRAY, "GIF"),
    "TIFF": encoded(GRAY, "TIFF"),
    "TIFF, LZW": encoded(GRAY, "TIFF", compression="tiff_lzw"),
    "16-bit TIFF": encoded(GRAY.astype(np.uint16), "TIFF"),
    "32-bit TIFF": encoded(GRAY.astype(np.int32), "TIFF"),
    "float TIFF": encoded(GRAY.astype(np.float32), "TIFF"),
    "RGB TIFF": encoded(EQUAL, "TIFF"),
    "BMP": encoded(GRAY, "BMP"),
    "RGB BMP": encoded(EQUAL, "BMP"),
    "WebP": encoded(EQUAL, "WEBP", lossless=True),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_masks_of_numbers(kind):
    np.testing.assert_array_equal(values(NUMBERS[kind], THREE), GRAY)
    mask = load_mask(NUMBERS[kind], photo(), THREE)
    assert sum(mask.pixels) == HEIGHT * WIDTH
    assert (mask.content is None) == (kind != "PNG"), "the bytes of an 8-bit gray PNG are kept"


def test_a_binary_mask_of_one_bit():
    two = data({0: "ground", 1: "disc"})
    for kind in ("PNG", "TIFF", "BMP"):
        content = encoded(Image.fromarray(drawn(0, 255).astype(np.uint8)).convert("1"), kind)
        np.testing.assert_array_equal(values(content, two), drawn(0, 1))


COLORS = [
    {"value": 0, "name": "ground", "color": "#000000"},
    {"value": 5, "name": "road", "color": RED},
    {"value": 2, "name": "car", "color": "#ffffff", "source": [BLUE, [9, 9, 9]]},
]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "WEBP"])
def test_masks_of_colors(kind):
    colors = painted({0: "#000000", 1: RED, 2: BLUE, 3: "#090909", 4: "#112233"}, drawn(0, 1, 2, 3, 4))
    image = Image.fromarray(colors)
    content = encoded(image.quantize(8) if kind == "GIF" else image, kind, lossless=True)
    settings_ = data({"classes": COLORS, "ignored_value": ["#112233"]})
    np.testing.assert_array_equal(values(content, settings_), drawn(0, 5, 2, 2, 255))


def test_all_unknown_colors_are_named():
    content = encoded(painted({0: "#000000", 1: "#aabbcc", 2: "#ddeeff"}, drawn(0, 0, 1, 1, 2)), "PNG")
    with pytest.raises(
        BrokenFileError, match=r"3 channels \(RGB\) with the colors #aabbcc, #ddeeff in 144 pix"
    ):
        values(content, data({"classes": COLORS}))


def test_all_unknown_numbers_are_named():
    with pytest.raises(
        BrokenFileError, match="has the values 7, 9 in 120 pixels; the class table has 0, 1, 2"
    ):
        values(encoded(drawn(0, 1, 7, 9).astype(np.uint8), "PNG"), THREE)


def test_numbers_of_any_size_are_mapped_and_merged():
    labels = data(
        {
            "classes": [
                {"value": 0, "name": "flat", "source": [7, 8]},
                {"value": 1, "name": "vehicle", "source": [26, 70000]},
            ],
            "ignored_value": [0, 1, 2, 3],
        }
    )
    content = encoded(drawn(7, 8, 26, 70000, 3).astype(np.int32), "TIFF")
    np.testing.assert_array_equal(values(content, labels), drawn(0, 0, 1, 1, 2))
    mask = load_mask(content, photo(), labels)
    assert (mask.pixels, mask.ignored) == ((96, 96), 48)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_black_and_white_by_a_threshold(kind):
    levels = Image.fromarray(drawn(0, 255).astype(np.uint8))
    image = levels.convert("RGB") if kind == "WEBP" else levels
    two = data({0: "ground", 1: "disc"}, mask_threshold=128)
    mask = load_mask(encoded(image, kind), photo(), two)
    np.testing.assert_array_equal(mask.values, drawn(0, 1))


def test_levels_between_black_and_white_are_counted():
    two = data({10: "ground", 4: "disc"}, mask_threshold=100)
    mask = load_mask(encoded(drawn(0, 99, 100, 255).astype(np.uint8), "PNG"), photo(), two)
    np.testing.assert_array_equal(mask.values, drawn(4, 4, 10, 10))
    assert mask.between == HEIGHT * WIDTH // 2


def test_a_jpeg_mask_without_a_threshold_is_refused():
    with pytest.raises(BrokenFileError, match=r"is a JPEG.*data\.mask_threshold"):
        values(encoded(drawn(0, 1).astype(np.uint8), "JPEG"), data({0: "a", 1: "b"}))


def test_masks_of_another_size_are_resized_only_if_asked():
    content = encoded(GRAY.repeat(2, 0).repeat(2, 1), "PNG")
    with pytest.raises(BrokenFileError, match=r"is 40 x 24 pixels, its photo 20 x 12; data\.resize_masks"):
        values(content, THREE)
    resized = data({0: "ground", 1: "disc", 2: "square"}, resize_masks=True)
    np.testing.assert_array_equal(values(content, resized), GRAY)
    assert load_mask(content, photo(), resized).repairs == ("resized from 40 x 24 pixels",)


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)),
    st.sampled_from(["PNG", "TIFF", "BMP"]),
    st.sampled_from(["numbers", "channels", "colors"]),
)
def test_every_way_to_write_a_mask_reads_the_same(numbers, kind, way):
    colors = {0: "#0a0b0c", 1: RED, 2: BLUE}
    table = data([{"value": value, "name": f"c{value}", "color": color} for value, color in colors.items()])
    pixels = {"numbers": numbers, "channels": np.stack([numbers] * 3, -1), "colors": painted(colors, numbers)}
    mask = load_mask(encoded(pixels[way], kind), photo(*numbers.shape), table)
    np.testing.assert_array_equal(mask.values, numbers)
