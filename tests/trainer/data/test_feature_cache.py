import logging
import os

import numpy as np
import pytest

from petseg.errors import UserError
from tests.trainer.shapes import shape_pairs
from tests.trainer.tiny_training import KillAfter, Killed, assert_same_weights
from trainer.data.feature_cache import FeatureCache, fill_caches, training_inputs
from trainer.data.replicas import ONE_DEVICE
from trainer.models import build_model
from trainer.models.frozen_part import cut_frozen_part
from trainer.training.loop import train

FLIPS = {"preset": "flips"}
PAIRS, EVAL_PAIRS = shape_pairs(10, 32), shape_pairs(4, 32, seed=1)


@pytest.fixture
def settings(tiny_settings):
    def make(freeze=True, cache=True, augmentation=FLIPS, architecture="unet"):
        dropout = {} if architecture == "fcn8s" else {"dropout": 0.2}
        made = tiny_settings(image_size=32, architecture=architecture, freeze_encoder=freeze, **dropout)
        trainer = made.trainer.model_dump() | {
            "epochs": 3,
            "batch_size": 4,
            "learning_rate": 0.01,
            "cache_features": cache,
            "augmentation": augmentation,
        }
        return type(made).model_validate(made.model_dump() | {"trainer": trainer})

    return make


def run(settings, folder, callbacks=()):
    model = build_model(settings)
    batches, evaluation, trained_part = training_inputs(model, settings, PAIRS, EVAL_PAIRS)
    history = train(
        model,
        batches,
        evaluation,
        settings.trainer,
        class_names=settings.classes.names,
        checkpoints=str(folder),
        trained_part=trained_part,
        callbacks=callbacks,
    )
    return model, history, trained_part


def test_no_epoch_ends_with_a_wait_for_the_autotuning(settings):
    made = settings()
    batches, evaluation, _ = training_inputs(build_model(made), made, PAIRS, EVAL_PAIRS)
    datasets = batches.epoch(0), evaluation(ONE_DEVICE)
    assert [dataset.options().autotune.enabled for dataset in datasets] == [False, False]


@pytest.mark.parametrize(
    ("architecture", "freeze"),
    [("unet", True), ("unet", "stage2"), ("autoencoder", True), ("fcn8s", "stage3"), ("fcn8s", "stage4")],
)
def test_same_losses_and_weights_as_without_the_cache(architecture, freeze, settings, tmp_path):
    cached, history, trained_part = run(settings(freeze, architecture=architecture), tmp_path / "cached")
    uncached = settings(freeze, cache=False, architecture=architecture)
    plain, expected, whole = run(uncached, tmp_path / "plain")
    assert trained_part is not None
    assert whole is None
    for key in ("loss", "mean_iou"):
        np.testing.assert_allclose(
            [record[key] for record in history], [record[key] for record in expected], rtol=1e-5
        )
    for one, other in zip(cached.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_resumed_and_unbroken_training_end_with_the_same_weights(settings, tmp_path):
    unbroken, *_ = run(settings(), tmp_path / "unbroken")
    with pytest.raises(Killed):
        run(settings(), tmp_path / "resumed", callbacks=[KillAfter(2)])
    resumed, *_ = run(settings(), tmp_path / "resumed")
    assert_same_weights(resumed.get_weights(), unbroken.get_weights())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gives_the_features_of_photos_and_mirror_images(dtype, settings):
    frozen, _ = cut_frozen_part(build_model(settings(), compute_dtype=dtype))
    cache = FeatureCache(frozen, PAIRS, mirror=True)
    fill_caches([cache], 3)
    indices, mirror = [7, 0, 7], [True, False, False]
    photos = np.stack([PAIRS.images[i] for i in indices]).astype(np.float32)
    photos[0] = photos[0, :, ::-1]
    for feature, expected in zip(
        cache.gather(np.array(indices), np.array(mirror)), frozen(photos), strict=True
    ):
        assert feature.dtype == dtype
        np.testing.assert_allclose(
            feature.numpy().astype(np.float32), expected.numpy().astype(np.float32), rtol=1e-2, atol=1e-2
        )


def test_leaves_no_file_behind(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    frozen, _ = cut_frozen_part(build_model(settings()))
    cache = FeatureCache(frozen, PAIRS, mirror=False)
    fill_caches([cache], 4)
    assert sum(os.fstat(file.fileno()).st_size for file in cache._files) == cache.size > 0
    # Where no test before it had TensorFlow write its graph code, this one does, beside the features.
    assert [file for file in tmp_path.iterdir() if not file.name.startswith("__autograph_")] == []


def test_says_what_it_needs_of_a_disk_before_it_starts(settings, caplog):
    frozen, _ = cut_frozen_part(build_model(settings()))
    with caplog.at_level(logging.INFO, "petseg"):
        fill_caches([FeatureCache(frozen, PAIRS, mirror=True)], 4)
    assert "computing the features of the frozen encoder once: 0.00 GB in " in caplog.text


def test_a_disk_without_room_is_the_users_error(settings):
    class Everyone:
        """As many photos as no disk has room for."""

        images, masks, names = PAIRS.images, PAIRS.masks, PAIRS.names
        kept = range(10**12)

        def __len__(self):
            return 10**12

    frozen, _ = cut_frozen_part(build_model(settings()))
    with pytest.raises(UserError, match=r"take [\d.]+ GB in .*, which has [\d.]+ GB free; set TMPDIR"):
        fill_caches([FeatureCache(frozen, Everyone(), mirror=True)], 4)


@pytest.mark.parametrize("change", [{"crop_scale": 0.8}, {"zoom_out": 1.2}, {"color": 0.1}, {"blur": 0.1}])
def test_other_augmentation_trains_without_and_says_so(change, settings, caplog):
    model_settings = settings(augmentation=FLIPS | change)
    with caplog.at_level(logging.INFO, "petseg"):
        *_, trained_part = training_inputs(build_model(model_settings), model_settings, PAIRS, EVAL_PAIRS)
    assert trained_part is None
    assert "computing the frozen encoder in every epoch; with flips as the only augmentation" in caplog.text


def test_an_encoder_that_learns_is_not_cached(settings, caplog):
    model_settings = settings(freeze=False)
    with caplog.at_level(logging.INFO, "petseg"):
        *_, trained_part = training_inputs(build_model(model_settings), model_settings, PAIRS, EVAL_PAIRS)
    assert trained_part is None
    assert not caplog.text
