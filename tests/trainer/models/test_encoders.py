import logging
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from petseg.errors import UserError
from trainer.models import build_model
from trainer.models.encoders import REGISTRY
from trainer.models.encoders.build import FixedStatisticsEncoder, build_encoder
from trainer.models.encoders.encoder import load_encoder
from trainer.models.settings import ModelSettings

PHOTOS = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)


def settings(encoder="mobilenet_v2", **more):
    return ModelSettings(**{"encoder": encoder, "image_size": 64} | width(encoder) | more)


def width(encoder):
    return {"encoder_width": 4} if encoder == "plain" else {}


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """A MobileNetV2 with random weights, in the file layout of keras.applications."""
    keras.utils.set_random_seed(7)
    network = keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights=None)
    path = tmp_path_factory.mktemp("weights") / "mobilenet.h5"
    network.save(path)
    return path


def weights_of(model):
    return {weight.path: np.array(weight) for weight in model.weights}


@pytest.mark.parametrize("encoder", REGISTRY)
@pytest.mark.parametrize("size", [64, 96])
def test_features_at_five_strides(encoder, size):
    model = build_encoder(settings(encoder, image_size=size))
    assert model.name == "encoder"
    photos = np.zeros((2, size, size, 3), np.float32)
    assert [feature.shape[:3] for feature in model(photos)] == [
        (2, size // stride, size // stride) for stride in (2, 4, 8, 16, 32)
    ]


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "vgg19", "resnet50", "efficientnet_v2_b0"])
def test_scales_as_the_published_weights_want(encoder):
    model = build_encoder(settings(encoder))
    modules = {
        "mobilenet_v2": keras.applications.mobilenet_v2,
        "vgg19": keras.applications.vgg19,
        "resnet50": keras.applications.resnet50,
        "efficientnet_v2_b0": keras.applications.efficientnet_v2,
    }
    scaled = keras.Model(model.input, load_encoder(encoder).scale(model.input))(PHOTOS)
    np.testing.assert_allclose(scaled, modules[encoder].preprocess_input(PHOTOS.copy()), rtol=1e-5, atol=1e-4)


def test_takes_weights_of_a_file_by_name(weights_file):
    given = keras.models.load_model(weights_file, compile=False)
    encoder = build_encoder(settings(encoder_weights=str(weights_file)))
    kernel = encoder.get_layer("block_13_expand").kernel
    np.testing.assert_array_equal(kernel, given.get_layer("block_13_expand").kernel)


def test_a_model_that_gets_its_own_weights_does_not_need_the_encoders_file():
    encoder = build_encoder(settings(encoder_weights="/gone.h5"), load_weights=False)
    assert isinstance(encoder, FixedStatisticsEncoder)


def test_reports_the_layers_that_a_file_does_not_have(tmp_path, caplog):
    network = keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3))
    keras.Model(network.input, network.get_layer("block3_pool").output).save(tmp_path / "part.h5")
    with caplog.at_level(logging.INFO, "petseg"):
        encoder = build_encoder(settings("vgg19", encoder_weights=str(tmp_path / "part.h5")))
    assert (
        "part.h5 has 8 of the 16 layers of vgg19; these start with random weights: block4_conv1"
        in caplog.text
    )
    np.testing.assert_array_equal(
        encoder.get_layer("block3_conv4").kernel, network.get_layer("block3_conv4").kernel
    )


@pytest.mark.parametrize("given", [True, False])
def test_statistics_move_only_where_no_weights_are_given(weights_file, given):
    encoder = build_encoder(settings(encoder_weights=str(weights_file) if given else None))
    photos = keras.Input((64, 64, 3))
    outer = keras.Model(photos, encoder(photos))
    before = weights_of(encoder)
    outer(PHOTOS, training=True)
    after = weights_of(encoder)
    moved = [path for path in before if (before[path] != after[path]).any()]
    assert bool(moved) is not given
    # A fine-tuned BatchNorm still learns its scale and offset.
    assert any(weight.path.endswith("bn_Conv1/gamma") for weight in encoder.trainable_variables)


def test_freezes_up_to_a_named_block():
    encoder = build_encoder(settings(freeze_encoder="block_3"))
    trainable = {layer.name: layer.trainable for layer in encoder.layers if layer.weights}
    assert not trainable["Conv1"]
    assert not trainable["block_3_project_BN"]
    assert trainable["block_4_expand"]
    assert trainable["block_13_expand"]


def test_the_settings_of_a_model_choose_the_taps(tiny_settings):
    taps = tuple(f"stage{stage}_first" for stage in range(1, 6))
    encoder = build_model(tiny_settings(encoder_taps=taps)).get_layer("encoder")
    for tap, feature in zip(taps, encoder.outputs, strict=True):
        assert feature is encoder.get_layer(tap).output


def test_other_taps():
    taps = ("Conv1_relu", "block_2_add", "block_5_add", "block_12_add", "block_15_add")
    encoder = build_encoder(settings(encoder_taps=taps))
    assert [feature.shape[-1] for feature in encoder.outputs] == [32, 24, 32, 96, 160]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"encoder_weights": "/nowhere.h5"}, "there is no file /nowhere.h5; set a file, `imagenet` or null"),
        ({"encoder_taps": ("Conv1", "b", "c", "d", "e")}, "mobilenet_v2 has no layer 'b'; it has "),
        ({"encoder_taps": ("Conv1_relu", "bn_Conv1")}, "strides 2, 4, 8, 16, 32; .* have 2, 2"),
        ({"freeze_encoder": "block_99"}, "the encoder has no block 'block_99'"),
    ],
)
def test_errors_name_the_setting(wrong, message):
    with pytest.raises(UserError, match=message):
        build_encoder(settings(**wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"encoder": "mobilenet"}, "is not known; received 'mobilenet'; did you mean mobilenet_v2"),
        ({"encoder": "x"}, "it can be one of mobilenet_v2, vgg19"),
        ({"encoder": "plain", "encoder_weights": "imagenet"}, "plain has none; must be null"),
    ],
)
def test_invalid_encoder_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        settings(**wrong)


def test_a_file_that_is_no_weights_file(tmp_path):
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(UserError, match=r"text\.h5 does not fit mobilenet_v2"):
        build_encoder(settings(encoder_weights=str(tmp_path / "text.h5")))


def test_a_file_of_another_network(weights_file):
    with pytest.raises(UserError, match="has none of the layers of resnet50"):
        build_encoder(settings("resnet50", encoder_weights=str(weights_file)))


@pytest.mark.skipif("PETSEG_WEIGHTS" not in os.environ, reason="PETSEG_WEIGHTS names no folder")
def test_the_given_weights_load_and_tell_photos_apart():
    path = Path(os.environ["PETSEG_WEIGHTS"]) / "mobilenet_v2_imagenet_notop.h5"
    encoder = build_encoder(settings(encoder_weights=str(path)))
    random = build_encoder(settings())
    assert np.abs(encoder(PHOTOS)[-1]).max() > 1
    assert np.abs(random(PHOTOS)[-1]).max() < 0.1
