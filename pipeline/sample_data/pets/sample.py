"""Writes cats and dogs in the layout of the Oxford-IIIT Pet data set."""

from pathlib import Path

import numpy as np

from pipeline.sample_data.pets.layout import entries, write_lists
from pipeline.sample_data.pets.photo import draw_photo


def write_pets(folder: Path, pairs: int, seed: int) -> None:
    """Writes `images/*.jpg`, `annotations/trimaps/*.png` and `annotations/{list,trainval,test}.txt`.

    Args:
        folder: Empty folder to write into.
        pairs: Number of photos.
        seed: An integer, 0 or more.
    """
    images, trimaps = folder / "images", folder / "annotations" / "trimaps"
    images.mkdir()
    trimaps.mkdir(parents=True)
    chosen = entries(pairs)
    for index, entry in enumerate(chosen):
        photo, trimap = draw_photo(entry.breed, np.random.default_rng([seed, index]))
        photo.save(images / f"{entry.name}.jpg", quality=88)
        trimap.save(trimaps / f"{entry.name}.png")
    write_lists(folder / "annotations", chosen)
