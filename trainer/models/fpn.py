"""The semantic branch of the panoptic feature pyramid network (Kirillov et al. 2019)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import convolve
from trainer.models.settings import ModelSettings


class FPNSettings(ModelSettings):
    """Settings of the feature pyramid network."""

    architecture: Literal["fpn"] = "fpn"
    pyramid_filters: int = Field(
        256, ge=2, le=1024, description="Filters of the pyramid. The branches behind it have half as many."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")


def build_fpn(features: list[keras.KerasTensor], classes: int, settings: FPNSettings) -> keras.KerasTensor:
    """A pyramid in which coarse features are added to finer ones. All levels are summed at stride 4.

    The paper normalizes the branches with GroupNorm. Here it is BatchNorm, as in the other networks.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 2, 4, 8, 16, 32; the first is not
            used.
        classes: number of classes.
        settings: `pyramid_filters` are the filters of the pyramid. The branches have half as many.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    pyramid = build_pyramid(features[1:], settings.pyramid_filters)
    branches = [
        _to_stride_4(level, doublings, settings.pyramid_filters // 2)
        for doublings, level in enumerate(pyramid)
    ]
    x = layers.Dropout(settings.dropout)(layers.Add()(branches))
    x = layers.Conv2D(classes, 1, dtype="float32", name="score")(x)
    return layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="logits")(x)


def build_pyramid(features: list[keras.KerasTensor], width: int) -> list[keras.KerasTensor]:
    """Coarse features added to finer ones (Lin et al. 2017).

    Args:
        features: float [n, h, w, channels], each half the height and width of the one before.
        width: channels of the results.

    Returns:
        float [n, h, w, width], one for each feature.
    """
    levels = []
    x = None
    for feature in reversed(features):
        lateral = layers.Conv2D(width, 1, use_bias=False)(feature)
        x = lateral if x is None else layers.Add()([layers.UpSampling2D(2)(x), lateral])
        levels.append(layers.Conv2D(width, 3, padding="same", use_bias=False)(x))
    return levels[::-1]


def _to_stride_4(x: keras.KerasTensor, doublings: int, filters: int) -> keras.KerasTensor:
    """A convolution and an upsampling by 2 for each doubling; a convolution only if there are none."""
    if not doublings:
        return convolve(x, filters)
    for _ in range(doublings):
        x = layers.UpSampling2D(2, interpolation="bilinear")(convolve(x, filters))
    return x


ARCHITECTURE = Architecture(FPNSettings, build_fpn)
