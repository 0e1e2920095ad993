"""A class table, and random photos and masks as files' bytes."""

import io

import numpy as np
from PIL import Image

THREE_CLASSES = [
    {"value": 1, "name": "first", "color": "#ff0000"},
    {"value": 2, "name": "second", "color": "#00ff00"},
    {"value": 3, "name": "third", "color": "#0000ff"},
]


def smooth_photo(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """A photo without pixel noise, so that JPEG keeps it nearly as it is."""
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encode(picture: Image.Image, file_format: str = "JPEG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def encode_mask(values: np.ndarray) -> bytes:
    return encode(Image.fromarray(values.astype(np.uint8)), "PNG")
