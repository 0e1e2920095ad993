import keras
import numpy as np
import pytest

from trainer.models import build_model


def test_nothing_but_the_bottleneck_reaches_the_decoder(tiny_settings):
    model = build_model(tiny_settings(architecture="autoencoder"))
    encoder = model.get_layer("encoder")
    decoder = keras.Model(model.layers[2].input, model.output)
    photos = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.float32)
    bottleneck = encoder(photos)[-1]
    assert bottleneck.shape[1:3] == (2, 2)
    np.testing.assert_allclose(decoder(bottleneck), model(photos), rtol=1e-5)


def test_needs_a_number_of_filters_for_each_upsampling(tiny_settings):
    with pytest.raises(ValueError, match=r"decoder_filters\n.*autoencoder takes 4 numbers, .* given are 3"):
        tiny_settings(architecture="autoencoder", decoder_filters=(8, 8, 8))
