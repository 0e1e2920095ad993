"""Data that is no pets goes through the same DAG: photos, masks and a class table of one's own."""

import json

import pytest
import yaml

from pipeline.sample_data.folder_sample import write_folder_sample
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
