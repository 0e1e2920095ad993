"""Draws data sets: cats and dogs in the official layout, and shapes with a class table."""

from pathlib import Path

import numpy as np

from pipeline.sample_data.folder_sample import write_folder_sample
from pipeline.sample_data.layout import (
    MINIMUM_PAIRS,
    SampleError,
    check_request,
    entries,
    whole_folder,
    write_lists,
)
from pipeline.sample_data.photo import draw_photo

__all__ = ["MINIMUM_PAIRS", "SampleError", "write_folder_sample", "write_sample"]


def write_sample(output: Path, pairs: int, seed: int = 0) -> None:
    """Draws cats and dogs in the layout of the Oxford-IIIT Pet data set.

    Writes `images/*.jpg`, `annotations/trimaps/*.png` (1 pet, 2 background, 3 border) and
    `annotations/{list,trainval,test}.txt`. The same number of pairs and seed give the same bytes, and a
    larger sample begins with the pairs of a smaller one. The folder appears whole or not at all.

    Args:
        output: Folder to create. If it already holds the same sample, nothing is done.
        pairs: Number of photos, 8 or more.
        seed: An integer, 0 or more.

    Raises:
        SampleError: Too few pairs, a negative seed, or `output` has other content.
    """
    check_request(pairs, seed)
    with whole_folder(output, {"kind": "pets", "pairs": pairs, "seed": seed}) as folder:
        if folder is None:
            return
        images, trimaps = folder / "images", folder / "annotations" / "trimaps"
        images.mkdir()
        trimaps.mkdir(parents=True)
        chosen = entries(pairs)
        for index, entry in enumerate(chosen):
            photo, trimap = draw_photo(entry.breed, np.random.default_rng([seed, index]))
            photo.save(images / f"{entry.name}.jpg", quality=88)
            trimap.save(trimaps / f"{entry.name}.png")
        write_lists(folder / "annotations", chosen)
