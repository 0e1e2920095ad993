import keras
import numpy as np
import pytest

from trainer.models import build_model
from trainer.models.deeplabv3plus import atrous_rates


@pytest.mark.parametrize("rates", [(6, 12, 18), (1, 3)])
def test_uses_the_dilation_rates_of_the_settings(rates, tiny_settings):
    model = build_model(tiny_settings(architecture="deeplabv3plus", atrous_rates=rates))
    dilations = [
        layer.dilation_rate[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.dilation_rate[0] > 1
    ]
    assert dilations == [rate for rate in rates if rate > 1]


def test_the_whole_photo_reaches_every_pixel(tiny_settings):
    """Through the image pooling: a change in one corner changes the prediction in the opposite corner."""
    model = build_model(tiny_settings(architecture="deeplabv3plus", image_size=256, atrous_rates=(1,)))
    photo = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3)).astype(np.float32)
    changed = photo.copy()
    changed[:, :16, :16] = 255 - changed[:, :16, :16]
    assert (np.array(model(photo) != model(changed))[:, -16:, -16:]).any()


@pytest.mark.parametrize("size", [32, 96, 128, 256])
def test_by_default_no_branch_sees_only_padding(size, tiny_settings):
    """Such a branch learns nothing and cost ten times the rest of the network."""
    model = build_model(tiny_settings(architecture="deeplabv3plus", image_size=size))
    places = size // 16
    dilations = [layer.dilation_rate[0] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert max(dilations) < places


def test_at_the_size_of_the_paper_the_default_rates_are_those_of_the_paper():
    assert atrous_rates(513) == (6, 12, 18)
