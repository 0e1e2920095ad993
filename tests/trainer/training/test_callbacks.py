import json
import logging

import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import ClassTable
from petseg.overlay import color_mask
from tests.trainer.shapes import shape_pairs, tiny_network
from trainer.training.callbacks import LogProgress, write_history
from trainer.training.tensorboard import TensorBoard

CLASSES = ClassTable.model_validate(
    [
        {"value": 0, "name": "square", "color": "#ff0000"},
        {"value": 1, "name": "ground", "color": "#00ff00"},
        {"value": 2, "name": "rim", "color": "#0000ff"},
    ]
)
RECORD = {
    "epoch": 1,
    "loss": 0.9,
    "mean_iou": 0.5,
    "iou": {"square": 0.4, "ground": 0.6, "rim": None},
    "learning_rate": 0.001,
    "seconds": 12.0,
}


def test_the_log_shows_the_progress_of_the_training(caplog, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    caplog.set_level(logging.INFO, "petseg.trainer")
    progress = LogProgress(epochs=2, steps=10)
    progress.on_step(1, 4, 1.5)
    now[0] += 12
    progress.on_step(1, 10, 1.0)
    progress.on_epoch(None, [RECORD])
    first, second, epoch = caplog.records
    assert first.progress["seconds_left"] is None
    assert second.progress == {
        "epoch": 1,
        "epochs": 2,
        "step": 10,
        "steps": 10,
        "loss": 1.0,
        "mean_iou": None,
        "seconds_left": 20.0,
    }
    assert not hasattr(epoch, "progress")
    assert epoch.getMessage() == "epoch 1/2: loss 0.9000, eval mean IoU 0.5000, 12 s, about 20 s left"


def test_a_first_epoch_of_one_slow_step_has_no_pace_yet(caplog):
    caplog.set_level(logging.INFO, "petseg.trainer")
    progress = LogProgress(epochs=2, steps=1)
    progress.on_step(1, 1, 0.9)
    progress.on_epoch(None, [RECORD])
    assert caplog.messages[-1] == "epoch 1/2: loss 0.9000, eval mean IoU 0.5000, 12 s"


def test_history_file_holds_all_epochs(tmp_path):
    history = [RECORD, RECORD | {"epoch": 2}]
    write_history(str(tmp_path / "model_run"), history)
    assert json.loads((tmp_path / "model_run" / "history.json").read_text()) == history


@pytest.mark.parametrize("previews", [0, 2])
def test_tensorboard_gets_curves_and_previews(tmp_path, previews):
    pairs = shape_pairs(2, 16)
    board = TensorBoard(str(tmp_path), pairs.first(previews), CLASSES)
    board.on_epoch(tiny_network(16), [RECORD])
    (path,) = tmp_path.iterdir()
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    values = {v.tag: v for r in records for v in tf.compat.v1.Event.FromString(r).summary.value}
    assert {"loss", "mean_iou", "learning_rate", "seconds", "iou/square", "iou/ground"} <= set(values)
    assert "iou/rim" not in values
    assert ("photo, ground truth, prediction" in values) == bool(previews)
    if previews:
        _, _, png, _ = values["photo, ground truth, prediction"].tensor.string_val
        picture = tf.io.decode_png(png).numpy()
        assert picture.shape == (16, 48, 3)
        np.testing.assert_array_equal(picture[:, :16], pairs.images[0])
        np.testing.assert_array_equal(picture[:, 16:32], color_mask(pairs.masks[0], CLASSES))
