"""Data that is no pets goes through the same DAG: photos, masks and a class table of one's own."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from pipeline.sample_data.folder_sample import write_folder_sample
from tests.components.looks.drawn_layouts import draw, save
from tests.conftest import TINY_SETTINGS, petseg


def run_shapes(folder, classes: int, ignored: bool):
    """Writes a config for drawn shapes and runs it to the end."""
    table = write_folder_sample(folder / "shapes", 40, seed=3, classes=classes, ignored=ignored)
    config = folder / "shapes.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data": {
                    "path": str(folder / "shapes"),
                    "format": "folder",
                    "classes": table.model_dump(mode="json"),
                },
                "transform": {"training_scale": 1.25},
            }
        )
    )
    done = petseg("run", "--config", config, "--output", folder / "out", *TINY_SETTINGS)
    assert done.status == 0, done.stdout + done.stderr
    (run,) = (folder / "out" / "runs").iterdir()
    return table, run


@pytest.mark.parametrize(("classes", "ignored"), [(2, True), pytest.param(5, False, marks=pytest.mark.slow)])
def test_shapes_go_through_to_a_pushed_model(classes, ignored, tmp_path):
    table, run = run_shapes(tmp_path, classes, ignored)
    metrics = json.loads((run / "metrics.json").read_text())
    assert tuple(metrics["model"]["iou"]) == table.names
    assert len(table) == classes
    assert len(list((tmp_path / "out" / "serving_model").glob("[0-9]*"))) == 1
    page = (run / "report.html").read_text()
    assert "shape" in page or "star" in page
    for word in ("breed", "trimap"):
        assert word not in page


NAMES = ("Straße", "traffic light", "box (large)")
SITES = ("north east", "süd")


def write_span(folder: Path, seeds: range) -> None:
    """Drawn pairs whose masks have half the photo's size, and a table of what is known of the photos."""
    for seed in seeds:
        photo, mask = draw(seed)
        save(folder / f"images/photo {seed:03}.png", photo)
        half = Image.fromarray(mask).resize(
            (mask.shape[1] // 2, mask.shape[0] // 2), Image.Resampling.NEAREST
        )
        (folder / "masks").mkdir(exist_ok=True)
        half.save(folder / f"masks/photo {seed:03}.png")
    with (folder / "known.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["photo", "site", "patient"])
        rows.writerows([f"photo {seed:03}", SITES[seed % 2], f"patient {seed // 3}"] for seed in seeds)


@pytest.mark.slow
def test_names_with_spaces_spans_metadata_and_small_masks_go_through_together(tmp_path):
    write_span(tmp_path / "data/2026-11-01", range(40))
    write_span(tmp_path / "data/2026-11-08", range(40, 60))
    data = {
        "path": str(tmp_path / "data"),
        "format": "folder",
        "spans": "all",
        "resize_masks": True,
        "metadata": "known.csv",
        "group_by": "patient",
        "classes": {"classes": list(NAMES)},
        "sized_class": "traffic light",
        "sized_class_edges": [0.05, 0.1],
        "slice_features": ["label/site", "slice/traffic light_size"],
    }
    thresholds = [
        {"metric": "native/iou/traffic light", "minimum": 0},
        {"metric": "model/mean_iou", "slice": "label/site", "max_gap": 1},
        {"metric": "native/mean_iou", "slice": "slice/traffic_light_size", "minimum": 0},
    ]
    evaluation = {"foreground": ["traffic light", "box (large)"], "thresholds": thresholds}
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump({"data": data, "evaluation": evaluation}, allow_unicode=True))
    arguments = ["--config", config, "--output", tmp_path / "out", *TINY_SETTINGS]
    done = petseg("run", *arguments)
    assert done.status == 0, done.stdout + done.stderr
    (run,) = (tmp_path / "out/runs").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())
    assert tuple(metrics["native"]["iou"]) == NAMES
    photos = pq.read_table(run / "photos.parquet")
    assert set(photos["label/site"].to_pylist()) <= set(SITES)
    assert "slice/traffic_light_size" in photos.column_names
    report = json.loads(next(tmp_path.glob("out/**/data_report.json")).read_text())
    assert sum(report["counts"].values()) == 60
    assert report["class_shares"]["train"].keys() == set(NAMES)
    page = (run / "report.html").read_text()
    for text in (*NAMES, SITES[0]):
        assert text in page
    refused = petseg(
        "run", *arguments, "--set", "evaluation.thresholds=[{metric: native/iou/traffic light, minimum: 1}]"
    )
    assert refused.status == 3, refused.stdout + refused.stderr
    assert "traffic" in refused.stdout
    found = petseg("suspects", "--output", tmp_path / "out", "--split", "train", "--split", "test", "--json")
    assert found.status == 0, found.stderr
    examples = json.loads(found.stdout)["examples"]
    assert {one["labeled"] for example in examples for one in example["confusions"]} <= set(NAMES)
