"""Settings of Transform."""

from typing import Literal

from pydantic import Field

from petseg.settings import Settings


class TransformSettings(Settings):
    """Settings of the image path from a photo to the model's input."""

    fit: Literal["stretch", "pad"] = Field(
        "stretch",
        description="How a photo is fitted to the model's input. stretch: resized to it, which loses the "
        "aspect; pad: scaled until it fits, and padded with its reflection, which does not count.",
    )
    interpolation: Literal["bilinear", "bicubic", "area", "lanczos3"] = Field(
        "bilinear",
        description="Method of resizing photos, with antialiasing. Masks are resized by nearest neighbor.",
    )
    training_scale: float = Field(
        1.0,
        ge=1,
        le=4,
        description="Size of stored training examples, as a multiple of the model's input size. Above 1, "
        "random crops are as sharp as the photos in evaluation.",
    )
