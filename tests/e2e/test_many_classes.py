"""A whole run with 150 classes, most of which are in no evaluated photo."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from pipeline.sample_data.splits import default_split, split_names
from tests.conftest import TINY_SETTINGS, petseg

CLASSES = 150
PAIRS = 60
CELLS = 12
IGNORED = 255


def draw_pairs(folder: Path) -> None:
    """Photos of twelve patches of one class each; the training photos have all classes, the others some."""
    colors = np.random.default_rng(1).integers(0, 256, (CLASSES, 3))
    names = split_names("photo", PAIRS)
    training = [name for name in names if default_split(name) == "train"]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for seed, name in enumerate(names):
        rng = np.random.default_rng(seed)
        classes = rng.integers(0, 30, CELLS)
        if name in training:
            classes = (CELLS * training.index(name) + np.arange(CELLS)) % CLASSES
        mask = np.kron(classes.reshape(3, 4), np.ones((32, 32))).astype(np.uint8)
        photo = colors[mask] + rng.integers(-20, 20, (*mask.shape, 3))
        mask[:2] = IGNORED
        Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(folder / f"images/{name}.png")
        Image.fromarray(mask).save(folder / f"masks/{name}.png")


@pytest.mark.slow
def test_150_classes_go_through_with_thresholds_and_slices(tmp_path):
    draw_pairs(tmp_path / "data")
    names = [f"class of a long name {number}" for number in range(CLASSES)]
    data = {
        "path": str(tmp_path / "data"),
        "format": "folder",
        "classes": {
            "classes": [{"value": value, "name": name} for value, name in enumerate(names)],
            "ignored_value": IGNORED,
        },
        "sized_class": names[3],
        "sized_class_edges": [0.05, 0.1],
    }
    thresholds = [
        {"metric": f"native/iou/{names[0]}", "minimum": 0},
        {"metric": "native/mean_iou", "slice": "slice/photo_size", "minimum": 0},
    ]
    evaluation = {"thresholds": thresholds, "foreground": names[1:]}
    config = tmp_path / "many.yaml"
    config.write_text(yaml.safe_dump({"data": data, "evaluation": evaluation}))
    done = petseg(
        "run", "--config", config, "--output", tmp_path / "out", *TINY_SETTINGS, "--set", "evaluation.floor=0"
    )
    assert done.status == 0, done.stdout + done.stderr
    (run,) = (tmp_path / "out/runs").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())
    assert list(metrics["native"]["iou"]) == names
    # Classes that are neither in the test masks nor predicted have no IoU, and do not count in the mean.
    assert None in metrics["native"]["iou"].values()
    known = [value for value in metrics["native"]["iou"].values() if value is not None]
    assert metrics["native"]["mean_iou"] == pytest.approx(np.mean(known))
    photos = pq.ParquetFile(run / "photos.parquet")
    assert b"sparse" in photos.schema_arrow.field("counts_native").metadata.values()
    assert (run / "photos.parquet").stat().st_size < 200_000
    assert (run / "report.html").stat().st_size < 4_000_000
    (log,) = (tmp_path / "out/logs").iterdir()
    assert max(map(len, log.read_text().splitlines())) < 2_000
    assert max(map(len, done.stdout.splitlines())) < 500
    again = petseg("run", "--config", config, "--output", tmp_path / "out", *TINY_SETTINGS,
                   "--set", "evaluation.floor=0", "--set", "report.photos=2")  # fmt: skip
    assert again.status == 0, again.stdout + again.stderr
    runs = sorted((tmp_path / "out/runs").iterdir())
    compared = petseg("compare", *runs, "--output", tmp_path / "compare.html")
    assert compared.status == 0, compared.stderr
    assert len(compared.stdout.splitlines()) < 80
