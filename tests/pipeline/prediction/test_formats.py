"""`predict --format`: what is written is read by the readers to the very masks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.draw import polygon2mask

from components.example_gen.readers import find_reader
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.coco_rle import decode_counts, mask_of_counts
from petseg.mask_outlines import polygons_of, ring_area
from pipeline.prediction.predict import Outputs, predict
from tests.components.serving_models import TABLE, jpeg


@pytest.fixture(scope="module")
def predicted(model, tmp_path_factory) -> tuple[Path, Path]:
    """Photos in folders, and the output with all formats."""
    photos, output = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("out")
    for index, name in enumerate(("a.jpg", "site/b.jpg", "site/deep/ü.jpg")):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(jpeg(index, 50 + index, 61))
    done = predict(model, [photos], output, Outputs(False, ("coco", "labelme", "rle", "polygons")))
    assert done.unreadable == []
    return photos, output


def values(output: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(output / "masks" / f"{name}.png"))


NAMES = ("a", "site/b", "site/deep/ü")


def read_back(folder: Path, data_format: str, scratch: Path, **more: str) -> dict[str, np.ndarray]:
    classes = ClassTable.model_validate(TABLE.model_dump())
    data = DataSettings(path=str(folder), format=data_format, classes=classes, **more)
    found = list(find_reader(data_format).read_pairs(data, str(scratch)))
    masks = {}
    for pair in found:
        width, height = Image.open(folder / pair.photo.path).size
        masks[pair.name] = pair.mask.render(height, width)
    return masks


def test_coco_is_read_by_the_coco_reader_to_the_same_masks(predicted, tmp_path):
    photos, output = predicted
    shutil.copytree(photos, tmp_path / "data")
    shutil.copy(output / "coco.json", tmp_path / "data")
    masks = read_back(tmp_path / "data", "coco", tmp_path)
    assert masks.keys() == set(NAMES)
    for name in NAMES:
        np.testing.assert_array_equal(masks[name], values(output, name))


def test_labelme_is_read_by_the_labelme_reader_to_the_same_masks(predicted, tmp_path):
    photos, output = predicted
    shutil.copytree(photos, tmp_path / "data")
    shutil.copytree(output / "labelme", tmp_path / "data", dirs_exist_ok=True)
    masks = read_back(tmp_path / "data", "labelme", tmp_path)
    assert masks.keys() == set(NAMES)
    for name in NAMES:
        np.testing.assert_array_equal(masks[name], values(output, name))
        content = json.loads((output / "labelme" / f"{name}.json").read_text())
        picture = (output / "labelme" / f"{name}.json").parent / content["imagePath"]
        assert picture.resolve() == (photos / f"{name}.jpg").resolve()


def test_run_lengths_are_the_masks(predicted):
    _, output = predicted
    lines = [json.loads(line) for line in (output / "rle.jsonl").read_text().splitlines()]
    assert [line["photo"] for line in lines] == [f"{name}.jpg" for name in NAMES]
    for name, line in zip(NAMES, lines, strict=True):
        drawn = np.zeros((line["height"], line["width"]), np.uint8)
        for label, counts in line["classes"].items():
            mask = mask_of_counts(decode_counts(counts), line["height"], line["width"])
            drawn[mask] = dict(zip(TABLE.names, TABLE.values, strict=True))[label]
        np.testing.assert_array_equal(drawn, values(output, name))


def test_polygons_with_their_holes_fill_the_masks(predicted):
    _, output = predicted
    for name, line in zip(NAMES, (output / "polygons.jsonl").read_text().splitlines(), strict=True):
        content = json.loads(line)
        drawn = np.zeros((content["height"], content["width"]), np.uint8)
        for label, polygons in content["classes"].items():
            for rings in polygons:
                assert all(ring[0] == ring[-1] for ring in rings)
                # Corners are at integers, and the centers of pixels at halves.
                inside = np.zeros(drawn.shape, bool)
                for ring in rings:
                    inside ^= polygon2mask(drawn.shape, np.array(ring)[:, ::-1] - 0.5)
                drawn[inside] = dict(zip(TABLE.names, TABLE.values, strict=True))[label]
        np.testing.assert_array_equal(drawn, values(output, name))


def test_outlines_of_random_masks_have_their_area_and_parts():
    random = np.random.default_rng(0)
    for _ in range(50):
        mask = random.random(random.integers(1, 12, 2)) < 0.6
        polygons = polygons_of(mask)
        assert sum(ring_area(ring) for rings in polygons for ring in rings) == mask.sum()
        assert all(ring_area(rings[0]) > 0 > max(map(ring_area, rings[1:]), default=-1) for rings in polygons)
