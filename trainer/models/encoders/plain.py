"""A plain encoder without published weights: the contracting path of the original U-Net."""

from __future__ import annotations

from pydantic import Field

from petseg.settings import Settings
from trainer.lazy_imports import keras, layers
from trainer.models.blocks import convolve
from trainer.models.encoders.encoder import Encoder
from trainer.models.encoders.scaling import to_plus_minus_one


class PlainSettings(Settings):
    """Settings that only the plain encoder has."""

    encoder_width: int = Field(
        64,
        ge=4,
        le=512,
        description="Filters of the first stage of the encoder `plain`. Later stages have more.",
    )


def build_plain(scaled_photos: keras.KerasTensor, settings: PlainSettings) -> keras.Model:
    """The contracting path of the U-Net (Ronneberger et al. 2015) with BatchNorm and one more stage.

    Args:
        scaled_photos: float [n, H, W, 3], -1 to 1.
        settings: `encoder_width` is the number of filters at full resolution. Each halving of the resolution
            doubles it, up to 16 times.

    Returns:
        A model whose layers `stage0` to `stage5` are the features at strides 1 to 32.
    """
    x = scaled_photos
    for stage in range(6):
        filters = settings.encoder_width * min(2**stage, 16)
        if stage:
            x = layers.MaxPooling2D()(x)
        x = convolve(x, filters, name=f"stage{stage}_first")
        x = convolve(x, filters, name=f"stage{stage}")
    return keras.Model(keras.utils.get_source_inputs(scaled_photos), x)


ENCODER = Encoder(
    taps=tuple(f"stage{stage}" for stage in range(1, 6)),
    scale=to_plus_minus_one,
    build=build_plain,
    settings=PlainSettings,
)
