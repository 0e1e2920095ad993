import logging

import h5py
import keras
import numpy as np
import pytest

from trainer.models import build_model
from trainer.models.fcn import VGG19_POOLS

PHOTO = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)


def output_of(model, layer, photos):
    return np.array(keras.Model(model.input, model.get_layer(layer).output)(photos))


@pytest.fixture(scope="module")
def classifier():
    """VGG19 with its top, narrow so that its file stays small."""
    keras.utils.set_random_seed(3)
    vgg = keras.applications.VGG19(include_top=False, weights=None, input_shape=(224, 224, 3))
    x = keras.layers.Flatten()(vgg.output)
    for name in ("fc1", "fc2"):
        x = keras.layers.Dense(16, "relu", bias_initializer="normal", name=name)(x)
    return keras.Model(vgg.input, x)


@pytest.mark.parametrize("holds", ["model", "weights"])
def test_fc6_and_fc7_compute_what_the_classifier_computes(classifier, holds, tiny_settings, tmp_path):
    path = tmp_path / "vgg.h5"
    classifier.save(path)
    if holds == "weights":  # as the published files do
        path = tmp_path / "vgg_weights.h5"
        with h5py.File(tmp_path / "vgg.h5") as whole, h5py.File(path, "w") as weights:
            for name in whole["model_weights"]:
                whole.copy(f"model_weights/{name}", weights)
            weights.attrs["layer_names"] = whole["model_weights"].attrs["layer_names"]
    settings = tiny_settings(
        architecture="fcn8s", encoder="vgg19", encoder_weights=str(path), fc_width=16, image_size=224
    )
    fc7 = output_of(build_model(settings), "fc7", PHOTO)
    scaled = keras.applications.vgg19.preprocess_input(PHOTO.copy())
    # In the middle of its map of 7 x 7 the kernel sees what the Dense layer sees: all of it.
    np.testing.assert_allclose(fc7[:, 3, 3], classifier(scaled), rtol=1e-3, atol=1e-4)


def test_another_width_is_logged_and_stays_random(classifier, tiny_settings, tmp_path, caplog):
    classifier.save(tmp_path / "vgg.h5")
    settings = tiny_settings(
        architecture="fcn32s", encoder="vgg19", encoder_weights=str(tmp_path / "vgg.h5"), fc_width=8
    )
    with caplog.at_level(logging.INFO, "petseg"):
        build_model(settings)
    assert "fc6 starts with random weights: fc1 in vgg.h5 has 16 filters, model.fc_width is 8" in caplog.text


def test_vgg_features_come_after_its_poolings(tiny_settings):
    model = build_model(tiny_settings(architecture="fcn8s", encoder="vgg19"))
    encoder = model.get_layer("encoder")
    assert [encoder.get_layer(pool).output for pool in VGG19_POOLS] == encoder.outputs


def test_every_fcn_begins_as_the_fcn32s(tiny_settings):
    """The finer scores start at zero. Then they add what their names say, at their own stride."""
    photos = PHOTO[:, :64, :64]
    coarse, middle, fine = (
        build_model(tiny_settings(architecture=name)) for name in ("fcn32s", "fcn16s", "fcn8s")
    )
    for model in (coarse, middle, fine):
        for name in ("fc6", "fc7", "score_stride32"):
            model.get_layer(name).set_weights(coarse.get_layer(name).get_weights())
    assert np.abs(coarse(photos)).max() > 1e-3
    # Bilinear doubling twice is not exactly one upsampling by four.
    np.testing.assert_allclose(middle(photos), fine(photos), atol=0.2 * np.abs(coarse(photos)).max())
    before = np.array(fine(photos))
    fine.get_layer("score_stride8").bias.assign([0, 5, 0])
    np.testing.assert_allclose(fine(photos) - before, np.broadcast_to([0, 5, 0], before.shape), atol=1e-5)
