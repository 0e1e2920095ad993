"""From a folder in a layout of its own to a report: the config of `init` runs the first time."""

import json

import pytest

from tests.components.looks.drawn_layouts import LAYOUTS
from tests.conftest import petseg


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["carvana", "rgb_masks", "cityscapes"])
def test_the_config_of_init_runs_to_a_report(layout, tmp_path):
    drawn = LAYOUTS[layout](tmp_path / "data")
    config, output = tmp_path / "mine.yaml", tmp_path / "out"
    made = petseg("init", "--data", tmp_path / "data", "--output", config)
    assert made.status == 0, made.stderr
    done = petseg(
        "run",
        "--config",
        config,
        "--output",
        output,
        "--set",
        "trainer.epochs=1",
        "--set",
        "serving_check.requests=3",
    )
    assert done.status == 0, done.stdout + done.stderr
    (run,) = (output / "runs").iterdir()
    assert (run / "report.html").is_file()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["blessed"]
    assert len(metrics["model"]["iou"]) == drawn.classes
    data_report = next(output.glob("pipeline_root/SegmentationExampleGen/data_report/*/data_report.json"))
    assert sum(json.loads(data_report.read_text())["counts"].values()) == drawn.pairs
