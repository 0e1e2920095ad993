import numpy as np
import pytest

from trainer.models import REGISTRY, build_model
from trainer.models.frozen_part import cut_frozen_part

PHOTOS = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)


@pytest.mark.parametrize("freeze", [True, "stage2", "stage3", "stage4"])
@pytest.mark.parametrize("architecture", REGISTRY)
def test_both_parts_together_are_the_network(architecture, freeze, tiny_settings):
    model = build_model(tiny_settings(architecture=architecture, freeze_encoder=freeze))
    frozen, rest = cut_frozen_part(model)
    assert not frozen.trainable_weights
    assert {id(weight) for weight in rest.trainable_weights} == {
        id(weight) for weight in model.trainable_weights
    }
    np.testing.assert_allclose(rest(frozen(PHOTOS)), model(PHOTOS), rtol=1e-4, atol=1e-4)


def test_the_cut_lies_behind_the_named_block_and_carries_the_skips(tiny_settings):
    settings = tiny_settings(architecture="unet", encoder="vgg19", freeze_encoder="block3")
    model = build_model(settings)
    frozen, _ = cut_frozen_part(model)
    assert sorted(feature.shape[1:3] for feature in frozen.outputs) == [(8, 8), (16, 16), (32, 32)]
    settings = tiny_settings(architecture="fcn8s", encoder="vgg19", freeze_encoder="block3")
    frozen, _ = cut_frozen_part(build_model(settings))
    pools = [feature.shape[1:] for feature in frozen.outputs]
    assert pools == [(8, 8, 256)]


def test_only_features_that_are_used_cross_the_cut(tiny_settings):
    frozen, _ = cut_frozen_part(build_model(tiny_settings(architecture="fpn", freeze_encoder=True)))
    assert sorted(feature.shape[1] for feature in frozen.outputs) == [2, 4, 8, 16]


def test_without_a_frozen_layer_there_is_nothing_to_cut(tiny_settings):
    assert cut_frozen_part(build_model(tiny_settings(architecture="unet"))) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "block"),
    [
        ("mobilenet_v2", "block_6"),
        ("resnet50", "conv3_block2"),
        ("efficientnet_v2_b0", "block4a"),
        ("vgg19", "block4"),
    ],
)
def test_every_encoder_can_be_cut(encoder, block, tiny_settings):
    settings = tiny_settings(architecture="unet", encoder=encoder, freeze_encoder=block)
    model = build_model(settings)
    frozen, rest = cut_frozen_part(model)
    np.testing.assert_allclose(rest(frozen(PHOTOS)), model(PHOTOS), rtol=1e-4, atol=1e-4)
    assert len(frozen.weights) > 4
    assert len(rest.trainable_weights) == len(model.trainable_weights)
