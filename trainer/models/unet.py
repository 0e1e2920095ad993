"""U-Net on a pretrained encoder, as in TensorFlow's segmentation tutorial."""

from __future__ import annotations

import itertools
from typing import Literal

from pydantic import Field, field_validator

from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import BATCH_NORM_MOMENTUM, convolve
from trainer.models.settings import ModelSettings

SKIPS = 4
"""Skip connections, at strides 16, 8, 4 and 2."""


class UNetSettings(ModelSettings):
    """Settings of the U-Net."""

    architecture: Literal["unet"] = "unet"
    decoder_filters: tuple[int, ...] = Field(
        (512, 256, 128, 64),
        description="Filters of the decoder's blocks, coarsest first: strides 16, 8, 4, 2, and optionally 1.",
    )
    decoder_convolutions: int = Field(
        0,
        ge=0,
        le=4,
        description="3x3 convolutions in each block of the decoder. TensorFlow's tutorial has none, the "
        "original U-Net two.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")

    @field_validator("decoder_filters")
    @classmethod
    def _one_for_each_stride(cls, filters: tuple[int, ...]) -> tuple[int, ...]:
        if len(filters) not in (SKIPS, SKIPS + 1):
            raise ValueError(
                f"unet takes {SKIPS} numbers, one for each of the strides 16, 8, 4 and 2, or {SKIPS + 1} "
                f"with stride 1; given are {len(filters)}"
            )
        return filters


def build_unet(features: list[keras.KerasTensor], classes: int, settings: UNetSettings) -> keras.KerasTensor:
    """The decoder of a U-Net (Ronneberger et al. 2015): upsampling steps with skip connections.

    With four filters and no convolutions it is the decoder of TensorFlow's tutorial, whose last transposed
    convolution outputs the logits. With a fifth filter it goes on to stride 1 and ends with a convolution.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 2, 4, 8, 16, 32.
        classes: number of classes.
        settings: `decoder_filters` has one number for each of the strides 16, 8, 4 and 2, and optionally one
            for stride 1. `decoder_convolutions` is the number of convolutions after each upsampling.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    *skips, x = features
    to_full_size = len(settings.decoder_filters) == SKIPS + 1
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
    """Doubles height and width: the block of pix2pix (Isola et al. 2017) that the tutorial uses."""
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


ARCHITECTURE = Architecture(UNetSettings, build_unet)
