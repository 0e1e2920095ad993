"""DeepLabv3+ (Chen et al. 2018): an atrous spatial pyramid and a small decoder with one skip."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import convolve
from trainer.models.settings import ModelSettings

PAPERS_RATES = (6, 12, 18)
PAPERS_SIZE = 513
"""Pixels of the photos that the paper trains with, at stride 16."""

SKIP_FILTERS = 48
"""Filters to which the paper reduces the skip, so that it does not outweigh the pyramid."""


class DeepLabV3PlusSettings(ModelSettings):
    """Settings of DeepLabv3+."""

    architecture: Literal["deeplabv3plus"] = "deeplabv3plus"
    pyramid_filters: int = Field(256, ge=2, le=1024, description="Filters of each atrous branch.")
    atrous_rates: tuple[PositiveInt, ...] | None = Field(
        None,
        min_length=1,
        description="Dilation rates of the atrous branches, in pixels of the stride-16 feature. null: 6, 12 "
        "and 18 as in the paper, scaled from its 513 px to the shorter side of image_size. A rate of a 16th "
        "of that side or more sees only padding and is slow.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")


def build_deeplabv3plus(
    features: list[keras.KerasTensor], classes: int, settings: DeepLabV3PlusSettings
) -> keras.KerasTensor:
    """Applies parallel atrous convolutions to the coarse feature, and refines the result with a fine feature.

    The paper replaces the stride of the encoder's last stage by dilation, so its deepest feature is at stride
    16. Encoders here keep the strides that their published weights were trained with, so the deepest feature
    is upsampled and concatenated with that of stride 16.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 2, 4, 8, 16, 32; the first and the
            third are not used directly.
        classes: number of classes.
        settings: `pyramid_filters` are the filters of every branch, `atrous_rates` its dilation rates.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    _, stride4, _, stride16, stride32 = features
    width = settings.pyramid_filters
    deep = layers.Concatenate()([stride16, layers.UpSampling2D(2, interpolation="bilinear")(stride32)])
    branches = [convolve(deep, width, kernel_size=1)]
    rates = settings.atrous_rates or atrous_rates(min(settings.input_size))
    branches += [convolve(deep, width, dilation=rate) for rate in rates]
    whole = convolve(layers.GlobalAveragePooling2D(keepdims=True)(deep), width, kernel_size=1)
    branches.append(layers.UpSampling2D((deep.shape[1], deep.shape[2]))(whole))
    x = convolve(layers.Concatenate()(branches), width, kernel_size=1)

    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, convolve(stride4, SKIP_FILTERS, kernel_size=1)])
    x = convolve(convolve(x, width), width)
    x = layers.Dropout(settings.dropout)(x)
    x = layers.Conv2D(classes, 1, dtype="float32", name="score")(x)
    return layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="logits")(x)


def atrous_rates(size: int) -> tuple[int, ...]:
    """The dilation rates of the paper, scaled from its size to `size`, in pixels of the stride-16 feature.

    At 96 px the stride-16 feature has 6 x 6 pixels. A rate of 6 or more sees only padding there, and takes
    ten times as long as the rest of the network: on a CPU Keras cuts the feature into 6 x 6 pieces or more.
    """
    return tuple(max(1, round(rate * size / PAPERS_SIZE)) for rate in PAPERS_RATES)


ARCHITECTURE = Architecture(DeepLabV3PlusSettings, build_deeplabv3plus)
