import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from petseg.errors import UserError
from petseg.metrics.iou import mean_iou
from tests.conftest import PROJECT
from tests.trainer.losses.test_losses import reference_cross_entropy, reference_dice, reference_lovasz
from tests.trainer.shapes import shape_pairs, tiny_network
from tests.trainer.tiny_training import (
    CLASS_NAMES,
    SETTINGS,
    SIZE,
    KillAfter,
    Killed,
    Recorder,
    assert_same_weights,
    tiny_train,
)
from trainer.data.input import evaluation_batches
from trainer.export.counts.confusion_counts import confusion_counts
from trainer.losses import segmentation_loss
from trainer.training.step import Training

SCRIPT = PROJECT / "tests/trainer/tiny_training.py"


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return tiny_train(tmp_path_factory.mktemp("unbroken"))


def start(folder, **streams):
    folder.mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        [sys.executable, SCRIPT, folder], stdout=subprocess.PIPE, text=True, env=environment, **streams
    )


def saved_weights(folder):
    with np.load(folder / "weights.npz") as arrays:
        return [arrays[name] for name in arrays.files]


def test_learns(unbroken):
    _, history = unbroken
    assert history[-1]["mean_iou"] > 0.6
    assert history[-1]["loss"] < history[0]["loss"]
    assert [record["epoch"] for record in history] == [1, 2, 3, 4, 5, 6]
    assert set(history[0]["iou"]) == {"square", "ground", "rim"}


def test_the_history_has_the_loss_on_eval(unbroken):
    model, history = unbroken
    best = max(history, key=lambda entry: entry["mean_iou"])
    losses, pixels = [], []
    for images, masks in evaluation_batches(shape_pairs(8, SIZE, seed=1), 4):
        losses.append(segmentation_loss(masks, model(images), weights=SETTINGS.losses).numpy())
        pixels.append((masks.numpy() < len(CLASS_NAMES)).sum())
    assert best["eval_loss"] == pytest.approx(np.average(losses, weights=pixels), rel=1e-4)


def test_two_trainings_end_with_the_same_weights(unbroken, tmp_path):
    model, history = tiny_train(tmp_path)
    assert_same_weights(model.get_weights(), unbroken[0].get_weights())
    assert [record["loss"] for record in history] == [record["loss"] for record in unbroken[1]]


def test_a_killed_training_resumes_and_ends_with_the_same_weights(unbroken, tmp_path):
    process = start(tmp_path)
    for line in process.stdout:
        if line == "epoch 3\n":
            process.kill()
    assert process.wait() == -signal.SIGKILL
    again = start(tmp_path, stderr=subprocess.PIPE)
    said, warned = again.communicate(timeout=120)
    assert "AutoGraph could not transform" not in warned
    assert said.split("\n")[0] in ("epoch 3", "epoch 4")
    assert_same_weights(saved_weights(tmp_path), unbroken[0].get_weights())


def test_an_epoch_that_callbacks_reported_is_not_trained_again(unbroken, tmp_path):
    with pytest.raises(Killed):
        tiny_train(tmp_path, callbacks=[KillAfter(3)])
    recorder = Recorder()
    model, _ = tiny_train(tmp_path, callbacks=[recorder])
    assert len(recorder.weights) == SETTINGS.epochs - 3
    assert_same_weights(model.get_weights(), unbroken[0].get_weights())


@pytest.mark.slow
def test_kills_at_any_moment_change_nothing(unbroken, tmp_path):
    """Each start gets one epoch further, and is then killed at a random moment of what follows."""
    moments = random.Random(1)
    for _ in range(4):
        process = start(tmp_path)
        assert process.stdout.readline().startswith("epoch")
        time.sleep(moments.uniform(0.25, 0.6))
        process.kill()
        process.wait()
    assert start(tmp_path).wait() == 0
    assert_same_weights(saved_weights(tmp_path), unbroken[0].get_weights())


def test_a_finished_training_is_not_trained_again(tmp_path):
    settings = SETTINGS.model_copy(update={"epochs": 2})
    first, _ = tiny_train(tmp_path, settings)
    recorder = Recorder()
    second, history = tiny_train(tmp_path, settings, callbacks=[recorder])
    assert recorder.weights == []
    assert len(history) == 2
    assert_same_weights(first.get_weights(), second.get_weights())


def test_ends_with_the_weights_of_the_best_epoch(tmp_path):
    class Forgetter(Recorder):
        """Makes the network forget its last layer after epoch 3, so that epoch 4 is worse."""

        def on_epoch(self, model, history):
            super().on_epoch(model, history)
            if len(history) == 3:
                kernel = model.get_layer("logits").kernel
                kernel.assign(np.zeros(kernel.shape))

    settings = SETTINGS.model_copy(update={"epochs": 4, "ema": 0.0})
    recorder = Forgetter()
    model, history = tiny_train(tmp_path, settings, callbacks=[recorder])
    scores = [record["mean_iou"] for record in history]
    best = int(np.argmax(scores))
    assert best < 3
    assert_same_weights(model.get_weights(), recorder.weights[best])
    pairs = shape_pairs(8, SIZE, seed=1)
    logits = model(np.stack(pairs.images).astype(np.float32))
    counts = confusion_counts(np.stack(pairs.masks), np.argmax(logits, axis=-1), len(CLASS_NAMES)).numpy()
    assert mean_iou(counts) == pytest.approx(max(scores))


def test_stops_when_patience_is_over(tmp_path):
    settings = SETTINGS.model_copy(
        update={"learning_rate": 1e-12, "ema": 0.0, "epochs": 9, "early_stopping_patience": 2}
    )
    network = tiny_network(SIZE)
    network.get_layer("encoder").layers[-2].trainable = False
    _, history = tiny_train(tmp_path, settings, network)
    assert len(history) == 3


def test_the_average_is_evaluated_and_kept(tmp_path):
    """The evaluated weights are the moving average of the live ones, whatever the model holds in between."""
    settings = SETTINGS.model_copy(update={"epochs": 1})
    averaged, _ = tiny_train(tmp_path / "averaged", settings)
    live, _ = tiny_train(tmp_path / "live", settings.model_copy(update={"ema": 0.0}))
    untrained = tiny_network(SIZE)
    for average, weight, initial in zip(averaged.weights, live.weights, untrained.weights, strict=True):
        if "kernel" in weight.path:
            to_average = np.linalg.norm(average.numpy() - initial.numpy())
            assert 0 < to_average < np.linalg.norm(weight.numpy() - initial.numpy())


def test_the_average_decays_faster_in_the_first_steps():
    """The decay of step s is min(ema, (1 + s) / (10 + s)); with ema 0.5 the two meet at step 8."""
    settings = SETTINGS.model_copy(update={"ema": 0.5})
    network = tiny_network(SIZE)
    training = Training(network, settings, steps_per_epoch=12)
    pairs = shape_pairs(4, SIZE)
    batch = np.stack(pairs.images).astype(np.float32), np.stack(pairs.masks)
    expected = [weight.numpy() for weight in network.trainable_weights]
    for step in range(1, 13):
        training.train_epoch(lambda _: tf.data.Dataset.from_tensors(batch), lambda step, loss: None)
        decay = min(0.5, (1 + step) / (10 + step))
        live = [weight.numpy() for weight in network.trainable_weights]
        expected = [
            decay * average + (1 - decay) * weight for average, weight in zip(expected, live, strict=True)
        ]
        use_live = training.use_average()
        for average, weight in zip(network.trainable_weights, expected, strict=True):
            np.testing.assert_allclose(average.numpy(), weight, rtol=1e-4, atol=1e-6)
        use_live()


def test_encoder_with_factor_zero_is_not_trained(tmp_path):
    settings = SETTINGS.model_copy(update={"encoder_learning_rate_factor": 0.0, "epochs": 1, "ema": 0.0})
    model, _ = tiny_train(tmp_path, settings)
    before = tiny_network(SIZE)
    for layer in ("encoder", "logits"):
        same = [
            np.array_equal(one, other)
            for one, other in zip(
                model.get_layer(layer).trainable_weights,
                before.get_layer(layer).trainable_weights,
                strict=True,
            )
        ]
        assert all(same) if layer == "encoder" else not any(same)


def test_a_loss_that_is_no_number_ends_in_one_line(tmp_path):
    class Spoiler(Recorder):
        def on_epoch(self, model, history):
            model.get_layer("logits").bias.assign([np.nan] * 3)

    settings = SETTINGS.model_copy(update={"ema": 0.0})
    with pytest.raises(UserError, match=r"epoch 2, step 1; lower trainer.learning_rate \(now 0.02\)"):
        tiny_train(tmp_path, settings, callbacks=[Spoiler()])


def test_dropouts_random_state_is_part_of_a_checkpoint():
    network = tiny_network(SIZE)
    variables = Training(network, SETTINGS, steps_per_epoch=4).variables()
    states = [v for v in network.variables if "seed" in v.path]
    assert states
    assert {id(state.value) for state in states} <= {id(variable) for variable in variables["model"]}
    assert keras.backend.backend() == "tensorflow"


@pytest.mark.parametrize(
    ("setting", "class_weights", "expected"),
    [
        ({}, None, reference_cross_entropy),
        ({"label_smoothing": 0.2}, None, partial(reference_cross_entropy, smoothing=0.2)),
        ({"focal_gamma": 2.0}, None, partial(reference_cross_entropy, gamma=2.0)),
        ({}, [0.2, 1.0, 3.0], partial(reference_cross_entropy, weights=[0.2, 1.0, 3.0])),
        ({"dice_weight": 0.5}, None, lambda t, z: reference_cross_entropy(t, z) + 0.5 * reference_dice(t, z)),
        (
            {"lovasz_weight": 0.7},
            None,
            lambda t, z: reference_cross_entropy(t, z) + 0.7 * reference_lovasz(t, z),
        ),
    ],
    ids=["cross entropy", "label_smoothing", "focal_gamma", "class_weights", "dice_weight", "lovasz_weight"],
)
def test_every_setting_of_the_loss_reaches_it(setting, class_weights, expected):
    pairs = shape_pairs(2, SIZE)
    images, masks = np.stack(pairs.images).astype(np.float32), np.stack(pairs.masks)
    logits = tiny_network(SIZE, dropout=0.0)(images, training=True).numpy()
    settings = SETTINGS.model_copy(update={"dice_weight": 0.0} | setting)
    training = Training(tiny_network(SIZE, dropout=0.0), settings, 1, class_weights)
    loss = training.train_epoch(
        lambda _: tf.data.Dataset.from_tensors((images, masks)), lambda step, loss: None
    )
    assert loss == pytest.approx(expected(masks, logits), rel=1e-5)
