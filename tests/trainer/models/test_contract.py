"""Tests of every registered architecture."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.losses import one_device
from trainer.models import REGISTRY, auxiliary_loss, build_model
from trainer.models.architecture import load_architecture
from trainer.models.encoders import REGISTRY as ENCODERS
from trainer.models.encoders import STRIDES
from trainer.models.settings import ModelSettings

EVERY_ARCHITECTURE = pytest.mark.parametrize("architecture", REGISTRY)


def random_photos(count, size, seed=0):
    height, width = size if isinstance(size, tuple) else (size, size)
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def loss_of(model, settings, photos, masks):
    """Cross entropy plus the auxiliary loss."""
    auxiliary = auxiliary_loss(model, settings)
    if auxiliary is None:
        logits, more = model(photos, training=True), 0
    else:
        network = keras.Model(model.input, [model.output, *auxiliary.outputs])
        logits, *observed = network(photos, training=True)
        more = auxiliary.compute(masks, observed, one_device)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(masks, logits)) + more


def gradients(model, settings, photos, masks):
    with tf.GradientTape() as tape:
        loss = loss_of(model, settings, photos, masks)
    return tape.gradient(loss, model.trainable_variables)


def values(variables):
    return [np.array(variable) for variable in variables]


@EVERY_ARCHITECTURE
@pytest.mark.parametrize("size", [64, 96])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_logits(architecture, size, dtype, tiny_settings):
    model = build_model(tiny_settings(architecture=architecture, image_size=size))
    logits = model(random_photos(2, size).astype(dtype))
    assert model.output_names == ["logits"]
    assert logits.shape == (2, size, size, 3)
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


@EVERY_ARCHITECTURE
@pytest.mark.parametrize("size", [(64, 96), (96, 32)])
def test_an_input_that_is_not_square(architecture, size, tiny_settings):
    settings = tiny_settings(architecture=architecture, image_size=size)
    model = build_model(settings)
    assert model(random_photos(2, size)).shape == (2, *size, 3)
    masks = np.random.default_rng(1).integers(0, 3, (2, *size))
    assert np.isfinite(loss_of(model, settings, random_photos(2, size), masks))


@pytest.mark.slow
@EVERY_ARCHITECTURE
@pytest.mark.parametrize("encoder", ENCODERS)
def test_works_with_every_encoder_that_has_its_strides(architecture, encoder, tiny_settings):
    needs = load_architecture(architecture)
    if needs.strides != STRIDES and encoder not in needs.taps:
        with pytest.raises(ValueError, match=f"{architecture} needs .* '{encoder}' has not"):
            tiny_settings(architecture=architecture, encoder=encoder)
    else:
        settings = tiny_settings(architecture=architecture, encoder=encoder)
        assert build_model(settings)(random_photos(1, 64)).shape == (1, 64, 64, 3)


@EVERY_ARCHITECTURE
def test_logits_stay_float32_in_mixed_precision(architecture, tiny_settings):
    model = build_model(tiny_settings(architecture=architecture), compute_dtype="bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    assert {weight.dtype for weight in model.weights} <= {"float32", "int64", "uint32"}
    assert model.get_layer("encoder").outputs[0].dtype == "bfloat16"
    assert model.outputs[0].dtype == "float32"


@EVERY_ARCHITECTURE
def test_gradients_reach_every_trainable_weight(architecture, tiny_settings):
    settings = tiny_settings(architecture=architecture)
    model = build_model(settings)
    masks = np.random.default_rng(1).integers(0, 3, (4, 64, 64))
    # An object that lies off center, or what pulls its box to either side cancels out.
    masks[:, 40:] = 2
    for variable, gradient in zip(
        model.trainable_variables, gradients(model, settings, random_photos(4, 64), masks), strict=True
    ):
        assert gradient is not None, variable.path
        assert np.abs(gradient).max() > 0, variable.path


@EVERY_ARCHITECTURE
def test_a_frozen_encoder_stays_frozen(architecture, tiny_settings):
    settings = tiny_settings(architecture=architecture, freeze_encoder=True)
    model = build_model(settings)
    encoder = model.get_layer("encoder")
    before, logits_before = values(encoder.weights), model(random_photos(2, 64))
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    grads = gradients(model, settings, random_photos(2, 64), np.zeros((2, 64, 64), np.int32))
    optimizer.apply(grads, model.trainable_variables)
    for weight, was in zip(encoder.weights, before, strict=True):
        np.testing.assert_array_equal(weight, was, err_msg=weight.path)
    assert np.abs(model(random_photos(2, 64)) - logits_before).max() > 0


@EVERY_ARCHITECTURE
def test_the_seed_decides_the_weights(architecture, tiny_settings):
    one, same, other = (
        values(build_model(tiny_settings(architecture=architecture, seed=seed)).weights) for seed in (1, 1, 2)
    )
    for weight, again in zip(one, same, strict=True):
        np.testing.assert_array_equal(weight, again)
    assert any((weight != changed).any() for weight, changed in zip(one, other, strict=True))


@EVERY_ARCHITECTURE
def test_weights_save_and_load(architecture, tiny_settings, tmp_path):
    photos = random_photos(2, 64)
    model = build_model(tiny_settings(architecture=architecture))
    model.save_weights(tmp_path / "model.weights.h5")
    other = build_model(tiny_settings(architecture=architecture, seed=2))
    assert np.abs(other(photos) - model(photos)).max() > 0
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(photos), model(photos))


FINEST_SHAPES = {"fcn32s": 32, "fcn16s": 16}
"""In pixels. What upsampled scores of a coarse grid cannot draw, no number of steps teaches."""


def four_pairs(grain):
    """Photos [4, 64, 64, 3], each with colors of its own for its classes, and masks of blobs of one size."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(4, 64 // grain, 64 // grain, 3))
    masks = np.argmax(tf.image.resize(scores, (64, 64)), axis=-1)
    colors = random.integers(0, 200, (4, 3, 3))
    photos = np.stack([color[mask] for color, mask in zip(colors, masks, strict=True)])
    return (photos + random.integers(0, 56, photos.shape)).astype(np.float32), masks


def mean_iou(predicted, masks):
    both, either = (
        np.array([combine(predicted == k, masks == k).sum() for k in range(3)])
        for combine in (np.logical_and, np.logical_or)
    )
    return np.mean(both / either)


@pytest.mark.slow
@EVERY_ARCHITECTURE
def test_overfits_four_pairs_within_300_steps(architecture, tiny_settings):
    photos, masks = four_pairs(FINEST_SHAPES.get(architecture, 8))
    settings = tiny_settings(architecture=architecture, encoder_width=8, fc_width=512)
    model = build_model(settings)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 300))
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        optimizer.apply(gradients(model, settings, photos, masks), model.trainable_variables)

    reached = 0.0
    while reached <= 0.95 and optimizer.iterations < 300:
        for _ in range(25):
            step()
        reached = mean_iou(np.argmax(model(photos), axis=-1), masks)
    assert reached > 0.95


def test_an_unknown_architecture_names_the_known():
    with pytest.raises(ValueError, match=r"is not known; received 'unett'; did you mean unet\?"):
        ModelSettings(architecture="unett")
    with pytest.raises(ValueError, match=r"is not known; received 'x'; it can be one of unet, fcn32s, "):
        ModelSettings(architecture="x")
