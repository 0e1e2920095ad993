"""Writes photos of cracked surfaces in the layout of the folder reader."""

from pathlib import Path

import numpy as np
import yaml

from petseg.class_table import ClassTable, SegmentationClass
from pipeline.sample_data.cracks.photo import BACKGROUND, CRACK, SPALLING, draw_photo
from pipeline.sample_data.splits import split_names

CLASSES = ClassTable(
    classes=(
        SegmentationClass(value=BACKGROUND, name="background", color="#5b6770"),
        SegmentationClass(value=CRACK, name="crack", color="#e4572e"),
        SegmentationClass(value=SPALLING, name="spalling", color="#f3c623"),
    )
)


def write_cracks(folder: Path, pairs: int, seed: int) -> None:
    """Writes `images/*.jpg`, `masks/*.png` (0 background, 1 crack, 2 spalling) and `classes.yaml`.

    There are no lists: the hash of a name decides its split, and names are chosen so that one photo in five
    is eval and one in five is test.

    Args:
        folder: Empty folder to write into.
        pairs: Number of photos.
        seed: An integer, 0 or more.
    """
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for index, name in enumerate(split_names("surface", pairs)):
        photo, mask = draw_photo(np.random.default_rng([seed, index]))
        photo.save(folder / "images" / f"{name}.jpg", quality=90)
        mask.save(folder / "masks" / f"{name}.png")
    text = yaml.safe_dump(CLASSES.model_dump(mode="json"), sort_keys=False)
    (folder / "classes.yaml").write_text(text, encoding="ascii")
