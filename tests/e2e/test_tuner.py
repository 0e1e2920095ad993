import json

import pytest

from tests.conftest import TINY, petseg


@pytest.mark.slow
def test_the_best_values_of_a_search_reach_the_model(sample, tmp_path):
    search = "tuner.search={trainer.learning_rate: {values: [0.000000001, 0.004]}}"
    tuner = ["tuner.enabled=true", "tuner.trials=2", "tuner.trial_epochs=2", search]
    overrides = [word for value in tuner for word in ("--set", value)]
    arguments = ["--data", sample, "--output", tmp_path, *TINY, *overrides, "--to", "Trainer"]
    done = petseg("run", *arguments)
    assert done.status == 0, done.stdout + done.stderr
    assert "Tuner" in done.stdout
    (settings,) = tmp_path.glob("pipeline_root/Trainer/model/*/Format-Serving/assets.extra/settings.json")
    assert json.loads(settings.read_text())["trainer"]["learning_rate"] == 0.004
    again = petseg("run", *arguments)
    assert again.status == 0, again.stdout + again.stderr
    assert len(list(tmp_path.glob("pipeline_root/Tuner/best_hyperparameters/*"))) == 1
