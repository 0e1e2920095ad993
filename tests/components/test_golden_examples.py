"""Raw examples of drawn data sets are byte for byte those of committed digests, on both stacks.

Whoever makes ingestion faster must not change what it writes. A digest may change only with the contract in
"Raw examples" of the design, or with the version of Pillow, which draws the files.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, ImageOps

from components.example_gen.settings import DataSettings
from tests.components import tiny_pairs
from tests.components.read_examples import read
from tests.components.test_example_gen_repairs import KEPT, PHOTO, REPAIRED
from tests.exif_files import stored, turned_jpeg

PILLOW = "12.3.0"
"""The version that wrote the files of the digests; another one may compress them in another way."""

WIDE = np.asarray(tiny_pairs.mask(values=(0, 1, 2)))


def photos_of_all_kinds(folder: Path) -> DataSettings:
    """Photos that are kept, repaired, and turned by EXIF, and some that are broken."""
    tiny_pairs.write_pets(folder)
    for name, write, *_ in (*REPAIRED.values(), *KEPT.values()):
        write(folder / f"images/{name}.jpg")
        with Image.open(folder / f"images/{name}.jpg") as image:
            upright = ImageOps.exif_transpose(image)
        tiny_pairs.mask(upright.height, upright.width).save(folder / f"annotations/trimaps/{name}.png")
    for orientation, name in ((3, "pug_5"), (6, "Bengal_100"), (7, "Bengal_101"), (8, "pug_100")):
        (folder / f"images/{name}.jpg").write_bytes(turned_jpeg(PHOTO, orientation))
        stored(tiny_pairs.mask(), orientation).save(folder / f"annotations/trimaps/{name}.png")
    photo = folder / "images/Bengal_102.jpg"
    photo.write_bytes(photo.read_bytes()[:300])
    Image.fromarray(np.full((60, 40), 9, np.uint8)).save(folder / "annotations/trimaps/pug_101.png")
    return tiny_pairs.pets_data(folder, max_bad_fraction=0.5, masks_follow_exif=True)


def paletted(colors: list[int]) -> Image.Image:
    image = Image.fromarray(WIDE).convert("P")
    image.putdata(WIDE.ravel().tolist())
    image.putpalette(colors)
    return image


MASKS = {
    "gray.png": Image.fromarray(WIDE),
    "deep.png": Image.fromarray(WIDE.astype(np.uint16)),
    "gray.bmp": Image.fromarray(WIDE),
    "gray.tif": Image.fromarray(WIDE.astype(np.int32)),
    "indexed.png": paletted([200, 10, 10, 10, 200, 10, 10, 10, 200]),
    "levels.png": paletted([2, 2, 2, 1, 1, 1, 0, 0, 0]),
    "colors.png": Image.fromarray(np.array([(0, 0, 0), (61, 245, 61), (140, 120, 240)], np.uint8)[WIDE]),
    "equal.png": Image.fromarray(np.stack([WIDE] * 3, axis=-1)),
    "small.png": tiny_pairs.mask(24, 32, (0, 1, 2)),
    "ignored.png": tiny_pairs.mask(values=(0, 1, 2, 255, 7)),
}


def masks_of_all_kinds(folder: Path) -> DataSettings:
    """Masks of all formats and modes, which become values of the class table."""
    names = [f"p{number:02d}" for number in range(3 * len(MASKS))]
    tiny_pairs.write_folder(folder, names, (0, 1, 2))
    for name, (ending, image) in zip(names, list(MASKS.items()) * 3, strict=True):
        (folder / f"masks/{name}.png").unlink()
        image.save(folder / f"masks/{name}{Path(ending).suffix}")
    classes = {
        "classes": [
            {"value": 0, "name": "ground", "color": "#000000"},
            {"value": 1, "name": "traffic light", "color": "#3df53d"},
            {"value": 2, "name": "car", "color": "#8c78f0"},
        ],
        "ignored_value": [255, 7],
    }
    return DataSettings.model_validate({"path": str(folder), "classes": classes, "resize_masks": True})


def masks_by_threshold(folder: Path) -> DataSettings:
    """Masks of two classes with levels in between, JPEGs among them."""
    names = [f"p{number:02d}" for number in range(20)]
    tiny_pairs.write_folder(folder, names, (0, 255))
    levels = tiny_pairs.photo(5).convert("L")
    for number, name in enumerate(names):
        if number % 2:
            (folder / f"masks/{name}.png").unlink()
            levels.save(folder / f"masks/{name}.{'jpg' if number % 4 == 1 else 'tif'}")
    classes = {0: "outside", 1: "inside"}
    return DataSettings.model_validate({"path": str(folder), "classes": classes, "mask_threshold": 100})


GOLDEN: dict[Callable[[Path], DataSettings], tuple[int, str]] = {
    photos_of_all_kinds: (20, "ebf96f35bc1fd811e4ceed1a7556a0e5f7f8fb50b111d888e890245ee3f2a16d"),
    masks_of_all_kinds: (30, "272cd5aa716049bcefd7202294fd0d726599d2618aa208748a531ca75a9e898a"),
    masks_by_threshold: (20, "ad0f9df7c8120ad132ae6dc4edaefae9eae727402f6ef3260fcbacd7be077a3f"),
}
"""Number of examples, and SHA-256 of all of them and of the report."""


@pytest.mark.skipif(PIL.__version__ != PILLOW, reason="another Pillow writes other files")
@pytest.mark.parametrize("write", GOLDEN, ids=lambda write: write.__name__)
def test_raw_examples_are_those_of_the_digest(tmp_path, write):
    result = read(tmp_path, write(tmp_path / "data"))
    digest = hashlib.sha256()
    for name, example in result.examples.items():
        digest.update(f"{name} {result.splits[name]}\n".encode())
        digest.update(example.SerializeToString(deterministic=True))
    report = json.dumps(result.report, sort_keys=True).replace(str(tmp_path), "")
    digest.update(report.encode())
    assert (len(result.examples), digest.hexdigest()) == GOLDEN[write]
