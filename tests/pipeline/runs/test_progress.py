import io
import logging

import pytest

from pipeline.runs.memory import PeakMemory
from pipeline.runs.progress import RunProgress, describe_training, duration


@pytest.mark.parametrize(
    ("seconds", "said"), [(7.26, "7.3 s"), (59.96, "60.0 s"), (245, "4 min 05 s"), (7800, "2 h 10 min")]
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_plain_lines_where_there_is_no_terminal():
    shown = io.StringIO()
    with PeakMemory() as memory, RunProgress(shown, ["First", "Second", "Third"], memory) as progress:
        progress.starts("First", "first run")
        logging.getLogger("petseg.first").info("repaired [a].jpg")
        logging.getLogger("petseg.first").info("live only", extra={"progress": EPOCH})
        progress.ends("First", "done")
        progress.ends("Second", "reused", "unchanged")
        progress.starts("Third", "changed: trainer.epochs")
        progress.ends("Third", "failed", "see below")
    lines = shown.getvalue().splitlines()
    assert lines[0] == "First   runs: first run"
    assert lines[1].strip() == "repaired [a].jpg"
    assert lines[2].startswith("First   done in ")
    assert lines[3] == "Second  reused: unchanged"
    assert lines[5] == "Third   failed: see below"
    assert len(lines) == 6
    assert progress.seconds()["Second"] == 0
    assert set(progress.seconds()) == {"First", "Second", "Third"}
    assert progress.rows["First"].peak_memory_mb > 1
    assert progress.rows["Second"].peak_memory_mb is None


EPOCH = {
    "epoch": 3,
    "epochs": 20,
    "step": 45,
    "steps": 97,
    "loss": 0.4123,
    "mean_iou": 0.7101,
    "seconds_left": 725,
}


def test_training_is_told_with_epoch_step_loss_iou_and_time_left():
    said = describe_training(EPOCH)
    for part in ("epoch 3/20", "step 45/97", "loss 0.412", "mean IoU 0.7101", "12 min 05 s left"):
        assert part in said
    assert "mean IoU" not in describe_training({**EPOCH, "mean_iou": None})
