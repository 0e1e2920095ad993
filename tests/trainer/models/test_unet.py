import keras
import pytest

from trainer.models import build_model


def filters_of(model, kind):
    return [layer.filters for layer in model.layers if type(layer) is kind]


def test_the_tutorials_decoder_is_transposed_convolutions_only(tiny_settings):
    model = build_model(tiny_settings(architecture="unet", decoder_filters=(16, 8, 8, 4)))
    assert filters_of(model, keras.layers.Conv2DTranspose) == [16, 8, 8, 4, 3]
    assert filters_of(model, keras.layers.Conv2D) == []


def test_convolutions_follow_each_skip_and_a_fifth_block_reaches_full_size(tiny_settings):
    model = build_model(
        tiny_settings(architecture="unet", decoder_filters=(16, 8, 8, 4, 6), decoder_convolutions=2)
    )
    assert filters_of(model, keras.layers.Conv2DTranspose) == [16, 8, 8, 4, 6]
    assert filters_of(model, keras.layers.Conv2D) == [16, 16, 8, 8, 8, 8, 4, 4, 6, 6, 3]
    assert model.output_shape == (None, 64, 64, 3)


def test_a_number_of_filters_that_fits_no_skips_is_refused(tiny_settings):
    with pytest.raises(ValueError, match=r"decoder_filters\n.*unet takes 4 numbers, .* given are 2"):
        tiny_settings(architecture="unet", decoder_filters=(64, 32))
