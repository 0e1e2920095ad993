"""Runs with each `transform.fit`: models of windows, padded and stretched photos follow each other."""

import json

import pytest

from tests.conftest import TINY, petseg

MORE = {
    "tile": ["--set", "transform.scale=0.5", "--set", "trainer.crop_class_weights={border: 1}"],
    "pad": ["--set", "model.image_size=[64, 96]"],
    "stretch": [],
}


@pytest.mark.slow
def test_each_fit_is_evaluated_beside_the_one_before_it(sample, tmp_path):
    output = tmp_path / "out"
    arguments = ["--data", sample, "--output", output, *TINY, "--set", "evaluation.max_regression=1"]
    sizes = {"tile": None, "pad": [64, 96], "stretch": [64, 64]}
    before = None
    for fit, more in MORE.items():
        done = petseg("run", *arguments, "--set", f"transform.fit={fit}", *more)
        assert done.status == 0, done.stdout + done.stderr
        run = max((output / "runs").iterdir())
        metrics = json.loads((run / "metrics.json").read_text())
        assert metrics["model"]["size"] == sizes[fit]
        assert metrics["native"]["mean_iou"] > 0.05
        assert (run / "report.html").stat().st_size > 10_000
        if before:
            # Evaluated by its own fit: the same photos give the same metrics as when it was the candidate.
            assert metrics["baseline"]["model"]["size"] == before["model"]["size"]
            assert metrics["baseline"]["native"]["mean_iou"] == pytest.approx(
                before["native"]["mean_iou"], abs=1e-6
            )
        before = metrics
    assert len(list((output / "serving_model").glob("[0-9]*"))) == 3
