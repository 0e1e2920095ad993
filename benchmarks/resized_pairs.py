"""Photos and masks of the official layout in memory, by Pillow alone: for machines without TensorFlow too."""

from pathlib import Path

import numpy as np
from PIL import Image

Pairs = tuple[np.ndarray, np.ndarray]
"""Photos uint8 [n, S, S, 3] and class ids uint8 [n, S, S]."""


def read_resized_pairs(folder: Path, list_file: str, size: int, most: int | None = None) -> Pairs:
    """Reads the pairs of one official list.

    Args:
        folder: Data in the official layout.
        list_file: trainval.txt or test.txt.
        size: S, height and width in pixels.
        most: How many pairs at the most, from the list's beginning; None: all.
    """
    photos, masks = [], []
    for line in (folder / "annotations" / list_file).read_text().splitlines()[:most]:
        name = line.split()[0]
        photo = Image.open(folder / "images" / f"{name}.jpg").convert("RGB")
        trimap = Image.open(folder / "annotations" / "trimaps" / f"{name}.png")
        photos.append(np.asarray(photo.resize((size, size), Image.Resampling.BILINEAR)))
        masks.append(np.asarray(trimap.resize((size, size), Image.Resampling.NEAREST)) - 1)
    return np.stack(photos), np.stack(masks)
