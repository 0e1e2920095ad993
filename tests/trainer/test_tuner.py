import json
from types import SimpleNamespace

import numpy as np
import pytest
from tfx.components.tuner.executor import write_best_hyperparameters
from tfx.types import standard_artifacts

from petseg.errors import UserError
from tests.trainer.shapes import shape_pairs, write_pairs
from tests.trainer.tile_inputs import tile_settings, write_tile_inputs
from trainer.tuner import tuner_fn
from trainer.tuner_settings import TunerSettings

RATES = [1e-9, 0.02]


@pytest.fixture
def fn_args(tiny_settings, tmp_path):
    """What TFX gives, for 8 pairs and a search over these settings."""

    def make(search, **tuner):
        settings = tiny_settings(image_size=32, architecture="unet")
        settings = settings.with_values({"trainer.batch_size": 4})
        folder = tmp_path / "pairs"
        if not folder.exists():
            write_pairs(folder / "train", shape_pairs(8, 32))
            write_pairs(folder / "eval", shape_pairs(4, 32, seed=1))
        return SimpleNamespace(
            custom_config={
                "training": settings.model_dump_json(),
                "tuner": TunerSettings(search=search, **tuner).model_dump_json(),
                "checkpoints": str(tmp_path / "checkpoints"),
                "code": "0",
            },
            train_files=[str(folder / "train" / "*")],
            eval_files=[str(folder / "eval" / "*")],
            transform_output=None,
            transform_graph_path="",
        )

    return make


def test_the_better_values_win_and_nothing_is_left_behind(fn_args, tmp_path):
    arguments = fn_args({"trainer.learning_rate": {"values": RATES}}, trials=2, trial_epochs=4)
    result = tuner_fn(arguments)
    result.tuner.search(**result.fit_kwargs)
    result.tuner.results_summary()
    outputs = {}
    for name, kind in (
        ("best_hyperparameters", standard_artifacts.HyperParameters),
        ("tuner_results", standard_artifacts.TunerResults),
    ):
        outputs[name] = [kind()]
        outputs[name][0].uri = str(tmp_path / name)
    write_best_hyperparameters(result.tuner, outputs)
    (best,) = (tmp_path / "best_hyperparameters").iterdir()
    assert json.loads(best.read_text())["values"] == {"trainer.learning_rate": 0.02}
    (results,) = (tmp_path / "tuner_results").iterdir()
    scores = {row["trainer.learning_rate"]: row["score"] for row in json.loads(results.read_text())}
    assert scores[0.02] > scores[1e-9] + 0.1
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_killed_search_resumes(fn_args, caplog):
    arguments = fn_args({"trainer.seed": {"values": [1, 2]}}, trials=2, trial_epochs=1)
    killed = tuner_fn(arguments).tuner
    trial = killed.oracle.create_trial(killed.tuner_id)
    killed.run_trial(trial)
    with caplog.at_level("INFO", "petseg"):
        again = tuner_fn(arguments).tuner
        again.search(verbose=0)
    assert caplog.text.count("resuming an unfinished training after epoch 1 of 1") == 1
    assert again.oracle.trials["0"].hyperparameters.values == trial.hyperparameters.values
    assert len(again.oracle.trials) == 2


def test_trials_train_on_crops_of_large_photos(fn_args, tmp_path):
    arguments = fn_args({"trainer.learning_rate": {"values": RATES}}, trials=2, trial_epochs=3)
    write_tile_inputs(tmp_path)
    arguments.custom_config["training"] = tile_settings().model_dump_json()
    arguments.train_files = [str(tmp_path / "examples/Split-train/*")]
    arguments.eval_files = [str(tmp_path / "examples/Split-eval/*")]
    result = tuner_fn(arguments)
    result.tuner.search(**result.fit_kwargs)
    scores = {
        trial.hyperparameters.get("trainer.learning_rate"): trial.score
        for trial in result.tuner.oracle.trials.values()
    }
    assert scores[0.02] > scores[1e-9]


def test_when_no_trial_finishes_the_reason_is_reported(fn_args):
    arguments = fn_args({"trainer.learning_rate": {"values": [1e30]}}, trials=1, trial_epochs=2)
    with pytest.raises(UserError, match=r"no trial finished; the first failed with: .*infinite"):
        tuner_fn(arguments).tuner.search(verbose=0)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"trainer.learning_rat": {"values": [1]}}, "search.trainer.learning_rat: 1 is invalid: Extra"),
        ({"trainer.learning_rate": {"min": -1, "max": 1}}, "learning_rate: -1.0 is invalid: Input"),
        ({"model.image_size": {"values": [64]}}, "model.image_size cannot be searched"),
        (
            {"data.path": {"values": ["x"]}},
            "data.path cannot be searched; only settings of model and trainer can",
        ),
        ({"trainer.a.b": {"values": ["x"]}}, "tuner.search: there is no setting trainer.a.b"),
    ],
)
def test_what_cannot_be_searched_is_refused(search, message, tiny_settings):
    with pytest.raises(ValueError, match=message):
        TunerSettings(search=search).check_against(tiny_settings())


@pytest.mark.parametrize("searched", [{}, {"min": 1}, {"min": 2, "max": 1}, {"min": 0, "max": 1, "log": 1}])
def test_a_search_without_values_or_range_is_refused(searched):
    with pytest.raises(ValueError, match="must be either `values`, or `min` and a greater `max`"):
        TunerSettings(search={"trainer.learning_rate": searched})


def test_a_range_is_searched_within_its_ends(fn_args):
    search = {"trainer.learning_rate": {"min": 1e-4, "max": 1e-2, "log": True}}
    tuner = tuner_fn(fn_args(search, trials=30)).tuner
    drawn = [
        tuner.oracle.create_trial(f"{place}").hyperparameters.values["trainer.learning_rate"]
        for place in range(30)
    ]
    assert all(1e-4 <= rate <= 1e-2 for rate in drawn)
    assert 0.2 < np.mean(np.array(drawn) < 1e-3) < 0.8
