"""Settings of Transform."""

from typing import Literal

from pydantic import Field

from petseg.settings import Settings


class TransformSettings(Settings):
    """How a photo becomes the model's input."""

    interpolation: Literal["bilinear", "bicubic", "area", "lanczos3"] = Field(
        "bilinear", description="How photos are resized, antialiased; masks always take the nearest pixel."
    )
    training_scale: float = Field(
        1.0,
        ge=1,
        le=4,
        description="Side of the pairs that random crops are taken from, as a multiple of the model's; with "
        "1 the crops are less sharp than the photos that the model is judged on.",
    )
