import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.models import build_model
from trainer.models.unpooling import MaxUnpooling2D


@pytest.mark.parametrize("values", ["distinct", "with ties"])
def test_unpools_to_where_the_pooling_took_its_maxima(values):
    random = np.random.default_rng(0)
    before = random.normal(size=(2, 6, 8, 5)) if values == "distinct" else random.integers(0, 3, (2, 6, 8, 5))
    before = before.astype(np.float32)
    pooled, places = tf.nn.max_pool_with_argmax(before, 2, 2, "VALID", include_batch_in_index=True)
    new = random.normal(size=pooled.shape).astype(np.float32)
    expected = np.zeros(before.size, np.float32)
    expected[np.array(places).ravel()] = new.ravel()
    np.testing.assert_array_equal(MaxUnpooling2D()([new, before]), expected.reshape(before.shape))


def test_the_decoder_mirrors_vgg19(tiny_settings):
    model = build_model(tiny_settings(architecture="segnet", encoder="vgg19", decoder_width=0.5))
    filters = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert filters == [256, 256, 256, 512, 256, 256, 256, 256, 128, 128, 128, 128, 64, 64, 32, 32, 3]
    assert sum(isinstance(layer, MaxUnpooling2D) for layer in model.layers) == 5


def test_an_encoder_that_does_not_pool_is_refused(tiny_settings):
    with pytest.raises(ValueError, match=r"segnet needs .* vgg19 and plain have them, 'resnet50' has not"):
        tiny_settings(architecture="segnet", encoder="resnet50")
