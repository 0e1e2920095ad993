import keras

from trainer.models import build_model


def test_the_branches_have_half_of_the_pyramids_filters(tiny_settings):
    model = build_model(tiny_settings(architecture="fpn", pyramid_filters=24))
    filters = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    # A lateral and an output convolution a level; 3, 2, 1 and 1 convolutions in the branches; the scores.
    assert sorted(filters) == [3] + 7 * [12] + 8 * [24]
