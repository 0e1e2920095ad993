"""The configs of known data sets read miniatures in the layouts of their archives."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.example_gen.settings import DataSettings
from pipeline.settings import load_settings
from tests.components import tiny_pairs
from tests.components.read_examples import Read, read


def save(path: Path, image: Image.Image, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def result(tmp_path: Path, config: str) -> Read:
    data = load_settings(Path(f"configs/data/{config}.yaml")).data
    return read(tmp_path, data.model_copy(update={"path": str(tmp_path / "data")}))


def stripes(*values: int) -> Image.Image:
    return tiny_pairs.mask(values=values)


def index_palette(mask: Image.Image) -> Image.Image:
    """Indices 0 and 1 of black and white."""
    image = mask.convert("L").point(lambda level: level // 255).convert("P")
    image.putdata((np.asarray(mask) // 255).ravel().tolist())
    image.putpalette([0, 0, 0, 255, 255, 255])
    return image


@pytest.mark.parametrize("form", [lambda mask: mask, index_palette])
def test_carvana(tmp_path, form: Callable[[Image.Image], Image.Image]):
    names = [f"{car:012x}_{angle:02d}" for car in range(3) for angle in range(1, 17)]
    for number, name in enumerate(names):
        save(tmp_path / f"data/train/{name}.jpg", tiny_pairs.photo(number))
        save(tmp_path / f"data/train_masks/{name}_mask.gif", form(stripes(0, 255)))
        save(tmp_path / f"data/test/{name}.jpg", tiny_pairs.photo(number))
    read_ = result(tmp_path, "carvana")
    assert list(read_.examples) == names
    for example in read_.examples.values():
        np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), np.asarray(stripes(0, 1)))


LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def test_cityscapes(tmp_path):
    """With the test cities, whose masks are all void, and the other files of gtFine."""
    for split, cities in {"train": ("aachen", "bochum"), "val": ("munster",), "test": ("berlin",)}.items():
        for city in cities:
            for number in range(10):
                name = f"{city}_{number:06d}_000019"
                photo, mask = f"leftImg8bit/{split}/{city}/{name}", f"gtFine/{split}/{city}/{name}_gtFine"
                save(tmp_path / f"data/{photo}_leftImg8bit.png", tiny_pairs.photo(zlib.crc32(name.encode())))
                labels = stripes(3) if split == "test" else stripes(*LABEL_IDS, 0, 3, 255)
                save(tmp_path / f"data/{mask}_labelIds.png", labels)
                save(tmp_path / f"data/{mask}_instanceIds.png", stripes(26))
                save(tmp_path / f"data/{mask}_color.png", stripes(0).convert("RGBA"))
                (tmp_path / f"data/{mask}_polygons.json").write_text("{}")
    read_ = result(tmp_path, "cityscapes")
    assert read_.report["quarantined"] == []
    cities = read_.splits
    assert len(cities) == 30
    assert {split for name, split in cities.items() if "munster" in name} == {"test"}
    assert {split for name, split in cities.items() if "munster" not in name} == {"train", "eval"}
    mask = tiny_pairs.decoded_mask(next(iter(read_.examples.values())))
    np.testing.assert_array_equal(
        mask, np.asarray(stripes(*range(19), 29, 29, 29)), "29: the first ignored value that no class has"
    )


def test_ade20k(tmp_path):
    for split, prefix, count in (("training", "train", 30), ("validation", "val", 5)):
        for number in range(1, count + 1):
            name = f"ADE_{prefix}_{number:08d}"
            size = {"height": 20, "width": 151}
            save(tmp_path / f"data/images/{split}/{name}.jpg", tiny_pairs.photo(100 * count + number, **size))
            save(
                tmp_path / f"data/annotations/{split}/{name}.png",
                tiny_pairs.mask(**size, values=tuple(range(151))),
            )
    (tmp_path / "data/objectInfo150.txt").write_text("Idx\tRatio\tTrain\tVal\tStuff\tName\n")
    read_ = result(tmp_path, "ade20k")
    assert len(read_.examples) == 35
    assert read_.report["repaired"] == []
    by_split = {
        split: [name for name, each in read_.splits.items() if each == split] for split in ("eval", "test")
    }
    assert len(by_split["test"]) == 5
    assert by_split["eval"]


def test_every_config_of_a_data_set_is_valid():
    for path in sorted(Path("configs/data").glob("*.yaml")):
        data = load_settings(path).data
        assert isinstance(data, DataSettings)
        assert len(data.classes) >= 2, path
