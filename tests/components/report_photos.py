"""Drawn photos with masks and towns, for a report."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

Pair = tuple[str, bytes, bytes, str]
"""Name, JPEG, mask PNG, town."""


def drawn_pairs(number: int) -> Iterator[Pair]:
    """Stripes of dark, medium and bright gray with noise, which the brightness model tells apart."""
    for index in range(number):
        random = np.random.default_rng(index)
        height, width = int(random.integers(40, 90)), int(random.integers(40, 90))
        ids = np.sort(random.integers(0, 3, size=(height, 1)), axis=0).repeat(width, axis=1)
        gray = np.clip(np.array([40, 128, 215])[ids] + random.normal(0, 10 + 8 * index, ids.shape), 0, 255)
        mask = np.array([10, 20, 30], np.uint8)[ids]
        mask[:, :3] = 0
        photo = Image.fromarray(gray.astype(np.uint8)).convert("RGB")
        yield (
            f"photo <{index}>",
            _encoded(photo, "JPEG"),
            _encoded(Image.fromarray(mask), "PNG"),
            f"town_{index % 2}",
        )


def _encoded(picture: Image.Image, file_format: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format)
    return buffer.getvalue()
