"""U-Net on a pretrained encoder, as in TensorFlow's segmentation tutorial."""

import itertools

import keras
from keras import layers

from petseg.errors import UserError
from trainer.models.blocks import BATCH_NORM_MOMENTUM, convolve
from trainer.settings import ModelSettings


def build_unet(features: list[keras.KerasTensor], classes: int, settings: ModelSettings) -> keras.KerasTensor:
    """The decoder of a U-Net (Ronneberger et al. 2015): upsampled in steps, an encoder feature beside each.

    With four filters and no convolutions it is the tutorial's, whose last transposed convolution gives the
    logits; with a fifth it goes on to stride 1, where a convolution does.

    Args:
        features: float [n, S / stride, S / stride, channels] at strides 2, 4, 8, 16, 32.
        classes: number of classes.
        settings: `decoder_filters` has one number for each of the strides 16, 8, 4 and 2, and may have one
            for stride 1; `decoder_convolutions` follow each upsampling.

    Returns:
        Logits, float32 [n, S, S, classes].

    Raises:
        UserError: if `decoder_filters` does not fit the features.
    """
    *skips, x = features
    to_full_size = len(settings.decoder_filters) == len(skips) + 1
    if not to_full_size and len(settings.decoder_filters) != len(skips):
        raise UserError(
            f"model.decoder_filters: unet takes {len(skips)} numbers, "
            f"one for each of the strides 16, 8, 4 and 2, or {len(skips) + 1} with stride 1; "
            f"given are {len(settings.decoder_filters)}"
        )
    for filters, skip in itertools.zip_longest(settings.decoder_filters, reversed(skips)):
        x = _upsample(x, filters)
        if skip is not None:
            x = layers.Concatenate()([x, skip])
        for _ in range(settings.decoder_convolutions):
            x = convolve(x, filters)
    x = layers.Dropout(settings.dropout)(x)
    last = {"padding": "same", "dtype": "float32", "name": "logits"}
    if to_full_size:
        return layers.Conv2D(classes, 3, **last)(x)
    return layers.Conv2DTranspose(classes, 3, strides=2, **last)(x)


def _upsample(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Doubles height and width, as the block of pix2pix (Isola et al. 2017) that the tutorial uses."""
    x = layers.Conv2DTranspose(
        filters,
        3,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
    )(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    return layers.ReLU()(x)
