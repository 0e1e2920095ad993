"""The drawn cracks: thin structures and a rare class in large photos, in the layout of the folder reader."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy import ndimage

from petseg.class_table import ClassTable
from pipeline.sample_data import write_sample
from pipeline.sample_data.splits import default_split
from tests.conftest import petseg

PAIRS = 8
BACKGROUND, CRACK, SPALLING = 0, 1, 2


@pytest.fixture(scope="module")
def cracks(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cracks") / "sample"
    done = petseg("sample-data", "--output", folder, "--pairs", PAIRS, "--kind", "cracks", "--seed", 2)
    assert done.status == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def masks(cracks) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in sorted((cracks / "masks").iterdir())]


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)
    }


def test_photos_and_masks_fit_together(cracks):
    photos, masks = (sorted((cracks / name).iterdir()) for name in ("images", "masks"))
    assert [path.stem for path in photos] == [path.stem for path in masks]
    assert len(photos) == PAIRS
    for photo, mask in zip(photos, masks, strict=True):
        with Image.open(photo) as opened:
            assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (2048, 1536))
        with Image.open(mask) as opened:
            assert (opened.format, opened.mode, opened.size) == ("PNG", "L", (2048, 1536))


def test_every_split_has_photos(cracks):
    splits = Counter(default_split(path.stem) for path in (cracks / "images").iterdir())
    assert splits == {"train": 4, "eval": 2, "test": 2}


def test_spalling_is_rarer_than_cracks_and_both_are_rare(masks):
    counts = np.sum([np.bincount(mask.ravel(), minlength=3) for mask in masks], axis=0)
    assert len(counts) == 3
    shares = counts / counts.sum()
    assert 0.002 < shares[CRACK] < 0.02
    assert 0.0005 < shares[SPALLING] < shares[CRACK]
    assert all((mask == CRACK).any() for mask in masks)


def test_cracks_are_a_few_pixels_wide(masks):
    """Most pixels of cracks are within 3 pixels of the edge, and few lines are thinner than 2 pixels."""
    for mask in masks:
        depth = ndimage.distance_transform_edt(mask == CRACK)[mask == CRACK]
        assert np.quantile(depth, 0.99) <= 5
        assert (depth > 1).mean() > 0.1


def test_spalling_is_in_patches_of_10_to_60_pixels(masks):
    sides = []
    for mask in masks:
        labels, _ = ndimage.label(mask == SPALLING)
        sides += [max(part.stop - part.start for part in box) for box in ndimage.find_objects(labels)]
    assert np.quantile(sides, 0.9) <= 65
    assert np.median(sides) > 10


def test_class_table_lies_beside_the_photos(cracks):
    table = ClassTable.model_validate(yaml.safe_load((cracks / "classes.yaml").read_text()))
    assert [(entry.value, entry.name) for entry in table.classes] == [
        (BACKGROUND, "background"),
        (CRACK, "crack"),
        (SPALLING, "spalling"),
    ]
    assert table.ignored_value is None


def test_init_finds_layout_and_classes(cracks, tmp_path):
    config = tmp_path / "cracks.yaml"
    done = petseg("init", "--data", cracks, "--output", config)
    assert done.status == 0, done.stderr
    data = yaml.safe_load(config.read_text())["data"]
    assert data["format"] == "folder"
    assert [(entry["value"], entry["name"]) for entry in data["classes"]["classes"]] == [
        (BACKGROUND, "background"),
        (CRACK, "crack"),
        (SPALLING, "spalling"),
    ]


def test_same_seed_draws_the_same_bytes(cracks, tmp_path):
    write_sample(tmp_path / "again", PAIRS, seed=2, kind="cracks")
    assert digests(tmp_path / "again") == digests(cracks)


def test_marker_names_the_kind(cracks):
    """The same folder is not taken for a sample of pets."""
    assert json.loads((cracks / ".sample.json").read_text())["kind"] == "cracks"
    refused = petseg("sample-data", "--output", cracks, "--pairs", PAIRS, "--seed", 2)
    assert refused.status == 2
    assert "it has other content" in refused.stderr
