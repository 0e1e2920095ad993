import keras
import numpy as np
import pytest

from trainer.models import build_model


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "vgg19", "resnet50", "efficientnet_v2_b0"])
@pytest.mark.parametrize("architecture", ["fpn", "deeplabv3plus", "fcn8s", "autoencoder"])
def test_stands_on_every_encoder(architecture, encoder, tiny_settings):
    model = build_model(tiny_settings(architecture=architecture, encoder=encoder))
    assert model(np.zeros((1, 64, 64, 3), np.float32)).shape == (1, 64, 64, 3)


def test_the_branches_have_half_of_the_pyramids_filters(tiny_settings):
    model = build_model(tiny_settings(architecture="fpn", pyramid_filters=24))
    filters = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    # A lateral and an output convolution a level; 3, 2, 1 and 1 convolutions in the branches; the scores.
    assert sorted(filters) == [3] + 7 * [12] + 8 * [24]
