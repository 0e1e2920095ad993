"""SegNet (Badrinarayanan et al. 2015): a decoder that unpools with the encoder's pooling indices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import convolve
from trainer.models.settings import ModelSettings

STRIDES_BEFORE_POOLING = (1, 2, 4, 8, 16)
TAPS = {
    "vgg19": ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4", "block5_conv4"),
    "plain": tuple(f"stage{stage}" for stage in range(5)),
}
"""The features before each pooling, which hold the positions of the maxima."""

CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "plain": (2, 2, 2, 2, 2)}
"""Number of convolutions in each stage of the encoder. The decoder mirrors them."""


class SegNetSettings(ModelSettings):
    """Settings of SegNet."""

    architecture: Literal["segnet"] = "segnet"
    decoder_width: float = Field(
        1.0, gt=0, le=1, description="Filters of the decoder as a share of the encoder's."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")


def build_segnet(
    features: list[keras.KerasTensor], classes: int, settings: SegNetSettings
) -> keras.KerasTensor:
    """Mirrors the encoder: unpooling puts each value where its maximum was, and convolutions fill the gaps.

    Pooling indices belong to the encoder's channels. So the last convolution of each stage has as many
    filters as the stage that is unpooled next, and `decoder_width` scales the others.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 1, 2, 4, 8, 16, before pooling.
        classes: number of classes.
        settings: `encoder`, and `decoder_width`, the decoder's filters as a share of the encoder's.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    from trainer.models.unpooling import MaxUnpooling2D

    x = layers.MaxPooling2D()(features[-1])
    for stage, convolutions in reversed(list(enumerate(CONVOLUTIONS[settings.encoder]))):
        x = MaxUnpooling2D()([x, features[stage]])
        filters = max(1, round(features[stage].shape[-1] * settings.decoder_width))
        for _ in range(convolutions - 1):
            x = convolve(x, filters)
        x = convolve(x, features[stage - 1].shape[-1] if stage else filters)
    x = layers.Dropout(settings.dropout)(x)
    return layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)


ARCHITECTURE = Architecture(SegNetSettings, build_segnet, TAPS, STRIDES_BEFORE_POOLING)
