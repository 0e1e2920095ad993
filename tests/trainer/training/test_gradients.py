"""Accumulated and clipped gradients against one large batch and against Keras' own clipping."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import PROJECT
from tests.trainer.shapes import shape_pairs
from tests.trainer.small_run import (
    history,
    small_settings,
    start,
    start_workers,
    write_inputs,
)
from tests.trainer.tiny_training import (
    SETTINGS,
    SIZE,
    KillAfter,
    Killed,
    assert_same_weights,
    tiny_train,
)
from trainer.data.input import TrainingBatches
from trainer.losses import segmentation_loss
from trainer.settings import TrainerSettings
from trainer.training.step import Training

SCRIPT = PROJECT / "tests/trainer/small_run.py"
PAIRS = shape_pairs(24, SIZE)
PER_PIXEL = {"epochs": 3, "dice_weight": 0, "weight_decay": 0, "warmup_epochs": 0, "schedule": "constant"}


def plain_network(policy="float32"):
    """Without statistics of batches and without dropout."""
    keras.utils.set_random_seed(7)
    photos = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(photos)
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", dtype=policy)(x)
    model = keras.Model(photos, keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(x))
    model.dtype_policy = keras.dtype_policies.get(policy)
    return model


def trained(policy="float32", **settings):
    """Weights after three epochs, and the number of updates."""
    trainer = TrainerSettings(learning_rate=0.01, **PER_PIXEL, **settings)
    batches = TrainingBatches(PAIRS, trainer.batch_size, trainer.augmentation, trainer.seed)
    training = Training(plain_network(policy), trainer, batches.steps)
    for epoch in range(trainer.epochs):
        training.train_epoch(lambda context, epoch=epoch: batches.epoch(epoch, context), lambda *_: None)
    return training.model.get_weights(), int(training.optimizer.iterations)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_accumulated_batches_are_one_large_batch(clip):
    large, updates = trained(batch_size=12, gradient_clip_norm=clip)
    accumulated, updates_of_small = trained(batch_size=4, gradient_accumulation=3, gradient_clip_norm=clip)
    assert updates == updates_of_small == 6
    for one, other in zip(accumulated, large, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    small, _ = trained(batch_size=4, gradient_clip_norm=clip)
    assert max(np.abs(one - other).max() for one, other in zip(small, large, strict=True)) > 1e-3


def test_a_scaled_loss_accumulates_like_an_unscaled_one():
    settings = {"batch_size": 4, "gradient_accumulation": 3, "gradient_clip_norm": 0.05}
    expected, _ = trained(**settings)
    received, _ = trained("mixed_float16", **settings)
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=0.01)


def test_batches_too_few_for_an_update_are_left_out():
    _, updates = trained(batch_size=4, gradient_accumulation=4)
    assert updates == 3
    _, updates = trained(batch_size=4, gradient_accumulation=100)
    assert updates == 3


def test_clipping_is_that_of_keras():
    model = plain_network()
    trainer = TrainerSettings(batch_size=12, **PER_PIXEL)
    batches = TrainingBatches(PAIRS, trainer.batch_size, trainer.augmentation, trainer.seed)
    optimizer = keras.optimizers.Adam(0.01, global_clipnorm=0.05)
    norms = []
    for epoch in range(trainer.epochs):
        for photos, masks in batches.epoch(epoch):
            with tf.GradientTape() as tape:
                loss = segmentation_loss(masks, model(photos, training=True))
            gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
            norms.append(np.sqrt(sum(float(np.square(gradient).sum()) for gradient in gradients)))
            optimizer.apply(gradients, model.trainable_variables)
    assert min(norms) > 0.05
    clipped, _ = trained(batch_size=12, gradient_clip_norm=0.05)
    for one, other in zip(clipped, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_killed_training_resumes_to_the_same_weights(tmp_path):
    settings = SETTINGS.model_copy(
        update={"gradient_accumulation": 3, "gradient_clip_norm": 0.1, "epochs": 4}
    )
    unbroken, _ = tiny_train(tmp_path / "unbroken", settings)
    with pytest.raises(Killed):
        tiny_train(tmp_path / "killed", settings, callbacks=[KillAfter(2)])
    resumed, _ = tiny_train(tmp_path / "killed", settings)
    assert_same_weights(resumed.get_weights(), unbroken.get_weights())


ON_MANY = {"gradient_accumulation": 2, "gradient_clip_norm": 0.5, "batch_size": 4}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["off", "float16"])
def test_two_devices_accumulate_and_clip_like_one(tmp_path, precision):
    write_inputs(tmp_path)
    for distribution in ("none", "mirrored"):
        settings = small_settings(distribution=distribution, precision=precision, **ON_MANY)
        process = start(
            [str(SCRIPT), str(tmp_path), str(tmp_path / distribution), settings.model_dump_json()]
        )
        said, _ = process.communicate()
        assert process.returncode == 0, said
    one, two = ([record["loss"] for record in history(tmp_path / name)] for name in ("none", "mirrored"))
    np.testing.assert_allclose(two, one, rtol=1e-4 if precision == "off" else 2e-3)


@pytest.mark.slow
def test_two_workers_accumulate_and_clip_like_one_device(tmp_path):
    write_inputs(tmp_path)
    alone = start(
        [str(SCRIPT), str(tmp_path), str(tmp_path / "one"), small_settings(**ON_MANY).model_dump_json()]
    )
    said, _ = alone.communicate()
    assert alone.returncode == 0, said
    workers = start_workers(
        [small_settings(distribution="multi_worker", **ON_MANY)] * 2, tmp_path, tmp_path / "two"
    )
    chief, other = (worker.communicate()[0] for worker in workers)
    assert [worker.returncode for worker in workers] == [0, 0], chief + other
    one, two = ([record["loss"] for record in history(tmp_path / name)] for name in ("one", "two"))
    np.testing.assert_allclose(two, one, rtol=1e-4)
