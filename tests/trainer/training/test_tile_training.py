"""A whole training with `transform.fit: tile`, from what Transform writes to the SavedModel."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from petseg.metrics.iou import mean_iou
from tests.trainer.export.networks import example
from tests.trainer.pictures import THREE_CLASSES, encode, encode_mask
from tests.trainer.small_run import history, start, start_workers, training_paths, worker_arguments
from tests.trainer.tile_inputs import tile_photos, tile_settings, write_tile_inputs
from trainer.data.crops import CropBatches
from trainer.data.examples import load_examples
from trainer.data.feature_cache import training_inputs
from trainer.data.replicas import ONE_DEVICE
from trainer.models import build_model
from trainer.run import run

VALUES = np.array([entry["value"] for entry in THREE_CLASSES], np.uint8)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_tile_inputs(folder)
    return folder


@pytest.fixture(scope="module")
def trained(inputs, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    run(tile_settings(), training_paths(inputs, folder))
    return folder


def test_the_epochs_are_evaluated_as_the_model_is(trained):
    model = tf.saved_model.load(str(trained / "model" / "Format-Serving"))
    assert sorted(model.signatures) == ["evaluate", "images", "serving_default"]
    records = [
        example(encode(Image.fromarray(image), "PNG"), encode_mask(VALUES[mask]))
        for _, image, mask in tile_photos(1)
    ]
    counts = model.signatures["evaluate"](examples=tf.constant(records))["counts"].numpy()
    # Photos keep their own pixels: model resolution is native resolution.
    np.testing.assert_array_equal(counts[:, 0], counts[:, 1])
    best = max(record["mean_iou"] for record in history(trained))
    assert mean_iou(counts[:, 0].sum(axis=0)) == pytest.approx(best, abs=1e-6)


def test_the_reference_holds_masks_and_confidence(trained):
    folder = trained / "model" / "Format-Serving"
    model = tf.saved_model.load(str(folder))
    with np.load(folder / "assets.extra" / "reference.npz") as stored:
        reference = dict(stored)
    assert "probabilities" not in reference
    ends = np.cumsum(reference["lengths"])
    files = [
        reference["bytes"][end - n : end].tobytes() for end, n in zip(ends, reference["lengths"], strict=True)
    ]
    outputs = model.signatures["serving_default"](tf.constant(files))
    masks = [tf.io.decode_png(png)[..., 0].numpy() for png in outputs["mask_png_bytes"]]
    np.testing.assert_array_equal(masks, reference["native_mask"])
    np.testing.assert_allclose(outputs["confidence"], reference["confidence"], atol=1e-6)


def test_the_same_settings_give_the_same_losses(inputs, trained, tmp_path):
    """On disk instead of in memory, too."""
    run(tile_settings(cache="disk"), training_paths(inputs, tmp_path))
    assert [record["loss"] for record in history(tmp_path)] == [record["loss"] for record in history(trained)]


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_losses(inputs, trained, tmp_path):
    arguments = ["-m", "trainer.worker", *worker_arguments(tile_settings(), inputs, tmp_path)]
    process = start(arguments)
    for line in process.stdout:
        if line.startswith("epoch 2/3: loss"):
            process.kill()
            break
    process.wait()
    assert not (tmp_path / "model").exists()
    said, _ = start(arguments).communicate()
    assert "resuming an unfinished training after epoch" in said
    assert [record["loss"] for record in history(tmp_path)] == [record["loss"] for record in history(trained)]


@pytest.mark.slow
def test_two_workers_cut_from_their_own_photos_and_train_like_one(tmp_path):
    write_tile_inputs(tmp_path, each=48, evaluated=16)
    run(tile_settings(batch_size=72), training_paths(tmp_path, tmp_path / "one"))
    settings = tile_settings(batch_size=72, distribution="multi_worker")
    workers = start_workers([settings] * 2, tmp_path, tmp_path / "two")
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    # 72 of its own, and those of the other among the first 32, which both keep.
    assert all("this worker keeps 88 of 144 training examples" in each for each in said)
    for key in ("loss", "mean_iou"):
        two, one = ([record[key] for record in history(tmp_path / name)] for name in ("two", "one"))
        np.testing.assert_allclose(two, one, rtol=1e-3 if key == "mean_iou" else 1e-4)


def test_a_frozen_encoder_is_computed_for_every_crop(inputs):
    """Features are kept of whole photos only."""
    settings = tile_settings(augmentation={"preset": "flips"})
    settings = settings.model_copy(
        update={"model": settings.model.model_copy(update={"freeze_encoder": True})}
    )
    paths = training_paths(inputs, inputs)
    photos = load_examples(paths.train, paths.evaluation, settings, tf.distribute.get_strategy())
    batches, evaluation, trained_part = training_inputs(build_model(settings), settings, *photos)
    assert trained_part is None
    assert isinstance(batches, CropBatches)
    images, _ = next(iter(evaluation(ONE_DEVICE)))
    assert images.shape[1:] == (32, 32, 3)


@pytest.mark.parametrize("cache", ["memory", "disk", "auto"])
def test_photos_are_loaded_whole_and_sorted(inputs, cache):
    paths = training_paths(inputs, inputs)
    train, _ = load_examples(
        paths.train, paths.evaluation, tile_settings(cache=cache), tf.distribute.get_strategy()
    )
    written = sorted(tile_photos(0), key=lambda photo: photo[0])
    assert list(train.names) == [name for name, _, _ in written]
    for (_, image, mask), kept, kept_mask in zip(written, train.images, train.masks, strict=True):
        np.testing.assert_array_equal(kept, image)
        np.testing.assert_array_equal(kept_mask, mask)
    assert {image.shape for image in train.first(3).images} == {(32, 32, 3)}
