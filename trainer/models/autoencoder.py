"""An encoder and a decoder with nothing but the bottleneck between them: the baseline without skips."""

import keras
from keras import layers

from petseg.errors import UserError
from trainer.models.blocks import convolve
from trainer.settings import ModelSettings

DOUBLINGS = 4
"""From stride 32 to stride 2; the last layer makes the fifth."""


def build_autoencoder(
    features: list[keras.KerasTensor], classes: int, settings: ModelSettings
) -> keras.KerasTensor:
    """Decodes the coarsest feature alone.

    What is missing beside the U-Net is what a skip carries: where exactly an edge runs.

    Args:
        features: float [n, S / stride, S / stride, channels] at strides 2, 4, 8, 16, 32; all but the last
            are not used.
        classes: number of classes.
        settings: `decoder_filters` has one number for each of the strides 16, 8, 4 and 2.

    Returns:
        Logits, float32 [n, S, S, classes].

    Raises:
        UserError: if `decoder_filters` does not have four numbers.
    """
    if len(settings.decoder_filters) != DOUBLINGS:
        raise UserError(
            f"model.decoder_filters: autoencoder takes {DOUBLINGS} numbers, "
            f"one for each of the strides 16, 8, 4 and 2; given are {len(settings.decoder_filters)}"
        )
    x = features[-1]
    for filters in settings.decoder_filters:
        x = convolve(layers.UpSampling2D(2)(x), filters)
    x = layers.Dropout(settings.dropout)(x)
    return layers.Conv2DTranspose(classes, 3, strides=2, padding="same", dtype="float32", name="logits")(x)
