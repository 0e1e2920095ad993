"""Settings of Transform."""

from typing import Literal

from pydantic import Field

from petseg.settings import Settings


class TransformSettings(Settings):
    """Settings of the image path from a photo to the model's input."""

    fit: Literal["stretch", "pad", "tile"] = Field(
        "stretch",
        description="How a photo is fitted to the model's input. stretch: resized to it, which loses the "
        "aspect; pad: scaled until it fits, and padded with its reflection, which does not count; tile: "
        "photos keep their own pixels; the network trains on random crops of the input's size and predicts "
        "windows of it.",
    )
    scale: float = Field(
        1.0,
        gt=0,
        le=4,
        description="With tile, the factor by which photos are scaled before crops and windows are taken; 1: "
        "their own pixels.",
    )
    overlap: int | None = Field(
        None,
        ge=0,
        multiple_of=2,
        description="With tile, the pixels that neighboring windows share. Half of them are cut from each "
        "side of a prediction, where the network sees too little around it. null: a quarter of the input's "
        "shorter side.",
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

    def check_fit(self, size: tuple[int, int]) -> None:
        """Checks what the fits need or do not use.

        Args:
            size: Height and width of the model's input in pixels.

        Raises:
            ValueError: A setting does nothing with this fit, or the windows would have no inner part.
        """
        if self.fit != "tile":
            for name, default in (("scale", 1.0), ("overlap", None)):
                if getattr(self, name) != default:
                    raise ValueError(
                        f"transform.{name} must be {'null' if default is None else f'{default:g}'} unless "
                        f"transform.fit is tile; received {getattr(self, name):g}"
                    )
            return
        if self.training_scale > 1:
            raise ValueError(
                "transform.training_scale must be 1 where transform.fit is tile: crops have the photos' own "
                f"pixels; received {self.training_scale:g}"
            )
        least = 0 if self.scale == 1 else 2
        if not least <= self.overlap_in(size) < min(size):
            more = "" if self.scale == 1 else ", of which those of a scale other than 1 need two"
            raise ValueError(
                f"transform.overlap must be from {least} to {min(size) - 2}, less than the shorter side of "
                f"model.image_size{more}; received {self.overlap}"
            )

    def overlap_in(self, size: tuple[int, int]) -> int:
        """Pixels that neighboring windows of a height and width share.

        The theoretical receptive field of the deep encoders is larger than most inputs (MobileNetV2's has
        491 pixels), but its effective part is a fraction of it (Luo et al. 2016), and what lies farther away
        matters less: so the default is a share of the window.
        """
        return min(size) // 4 if self.overlap is None else self.overlap
