"""Spans that come one a week, by the clock: a better model is pushed, a poisoned span is not."""

import pytest

from benchmarks.retraining import retrain_weekly
from petseg.versions import list_versions
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.sample_data import write_sample
from pipeline.schedule.schedule import Schedule
from tests.conftest import PETS_CONFIG

FLOOR = 0.15
SETTINGS = (
    "data.spans=newest",
    "model.encoder=plain",
    "model.encoder_width=16",
    "model.image_size=64",
    "model.decoder_filters=[64, 48, 32, 16]",
    "trainer.warm_start=true",
    "trainer.epochs=8",
    "trainer.batch_size=8",
    "trainer.learning_rate=0.002",
    "trainer.preview_photos=0",
    f"evaluation.floor={FLOOR}",
    "evaluation.max_regression=0",
    "push.keep_versions=5",
    "serving_check.requests=3",
    "serving_check.max_p99_seconds=60",
)


@pytest.fixture(scope="module")
def three_weeks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retraining")
    write_sample(folder / "pets", 240, seed=3)
    return folder, list(retrain_weekly(folder / "pets", folder / "out", str(PETS_CONFIG), SETTINGS))


@pytest.mark.slow
def test_the_first_span_gives_a_first_model(three_weeks):
    _, (first, *_) = three_weeks
    assert first.firing.status == 0, first.firing.outcome
    assert first.metrics["baseline"] is None


@pytest.mark.slow
def test_the_second_span_improves_the_model_which_is_pushed(three_weeks):
    _, (first, second, _) = three_weeks
    assert second.firing.status == 0, second.firing.outcome
    assert second.metrics["model"]["mean_iou"] > second.metrics["baseline"]["model"]["mean_iou"]
    assert second.metrics["examples"] > first.metrics["examples"]
    assert int(second.in_production) > int(first.in_production)


@pytest.mark.slow
def test_a_poisoned_span_is_stopped_by_the_comparison_and_production_stays(three_weeks):
    folder, (first, second, poisoned) = three_weeks
    assert poisoned.firing.status == 3, poisoned.firing.outcome
    assert poisoned.metrics["model"]["mean_iou"] > FLOOR
    assert "more than the 0.0000 allowed" in poisoned.metrics["reason"]
    assert poisoned.in_production == second.in_production
    pushed = list_versions(folder / "out/runs_of_schedule/serving_model")
    assert [str(version) for version in pushed] == [first.in_production, second.in_production]


@pytest.mark.slow
def test_each_firing_left_a_log_and_an_exit_status(three_weeks):
    _, weeks = three_weeks
    assert [week.firing.status for week in weeks] == [0, 0, 3]
    for week in weeks:
        with open(week.firing.log) as log:
            assert f"run {week.firing.run_id}" in log.read()


@pytest.mark.slow
def test_a_schedule_that_waits_for_drift_looks_at_the_data_and_does_not_train(three_weeks):
    folder, _ = three_weeks
    output = folder / "out/runs_of_schedule"
    schedules = LocalSchedules(folder / "store")
    schedules.add(
        Schedule(
            name="on-drift",
            cron="0 3 * * 1",
            only_if="drift",
            folder=str(folder),
            config=str(PETS_CONFIG),
            overrides=(f"data.path={folder}/out/spans", f"output={output}", *SETTINGS),
            grace_seconds=60,
            hook={},
        )
    )
    before = list_versions(output / "serving_model")
    assert schedules.fire("on-drift") == 0
    (entry,) = schedules.entries()
    # The span is too small to tell.
    assert entry.firings[-1].outcome.startswith("skipped: no drift, ")
    assert "too few" in entry.firings[-1].outcome
    assert list_versions(output / "serving_model") == before
