"""An autoencoder, which has no skip connections: a baseline for the other architectures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import convolve
from trainer.models.settings import ModelSettings

DOUBLINGS = 4
"""Upsamplings from stride 32 to stride 2. The last layer is the fifth."""


class AutoencoderSettings(ModelSettings):
    """Settings of the autoencoder."""

    architecture: Literal["autoencoder"] = "autoencoder"
    decoder_filters: tuple[int, ...] = Field(
        (512, 256, 128, 64),
        description="Filters of the decoder's blocks, coarsest first: strides 16, 8, 4, 2.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")

    @field_validator("decoder_filters")
    @classmethod
    def _one_for_each_stride(cls, filters: tuple[int, ...]) -> tuple[int, ...]:
        if len(filters) != DOUBLINGS:
            raise ValueError(
                f"autoencoder takes {DOUBLINGS} numbers, one for each of the strides 16, 8, 4 and 2; given "
                f"are {len(filters)}"
            )
        return filters


def build_autoencoder(
    features: list[keras.KerasTensor], classes: int, settings: AutoencoderSettings
) -> keras.KerasTensor:
    """Decodes the coarsest feature only.

    Unlike a U-Net, it has no skips, which carry the exact positions of edges.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 2, 4, 8, 16, 32. Only the last
            is used.
        classes: number of classes.
        settings: `decoder_filters` has one number for each of the strides 16, 8, 4 and 2.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    x = features[-1]
    for filters in settings.decoder_filters:
        x = convolve(layers.UpSampling2D(2)(x), filters)
    x = layers.Dropout(settings.dropout)(x)
    return layers.Conv2DTranspose(classes, 3, strides=2, padding="same", dtype="float32", name="logits")(x)


ARCHITECTURE = Architecture(AutoencoderSettings, build_autoencoder)
