"""Settings of the random changes of training pairs."""

from typing import Any, Literal

from pydantic import Field, model_validator

from petseg.settings import Settings

AUGMENTATION_PRESETS: dict[str, dict[str, bool | float]] = {
    "flips": {"crop_scale": 1.0, "color": 0.0},
    "mild": {},
    "strong": {
        "crop_scale": 0.5,
        "zoom_out": 1.5,
        "rotation": 10.0,
        "color": 0.4,
        "gray": 0.1,
        "blur": 0.3,
        "cutout": 0.3,
    },
}
"""Where they differ from the defaults.

Scales in and out are what DeepLab (Chen et al. 2018) and PSPNet (Zhao et al. 2017, which adds 10 degrees and
blur) train segmentation with; strong colour, grey and blur are SimCLR's (Chen et al. 2020); cutout is what
French et al. 2020, "Semi-supervised semantic segmentation needs strong, varied perturbations", found to help.
"""


class AugmentationSettings(Settings):
    """Random changes of the training pairs; image and mask always move together."""

    preset: Literal["flips", "mild", "strong"] = Field(
        "mild", description="What all of the following are that are not set themselves."
    )
    flip: bool = Field(True, description="Mirror half of the pairs left to right.")
    crop_scale: float = Field(
        0.7, gt=0, le=1, description="Smallest side of the random crop, as a share of the picture's; 1: none."
    )
    zoom_out: float = Field(
        1.0,
        ge=1,
        le=4,
        description="Largest side of the random crop, as a share of the picture's; what lies outside is the "
        "mirrored picture and does not count.",
    )
    rotation: float = Field(0.0, ge=0, le=45, description="Largest rotation in degrees.")
    color: float = Field(
        0.2, ge=0, le=1, description="Strength of random brightness, contrast and saturation; 0: none."
    )
    gray: float = Field(0.0, ge=0, le=1, description="Share of the photos that lose their colour.")
    blur: float = Field(0.0, ge=0, le=1, description="Share of the photos that are blurred.")
    cutout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Largest side of a grey square, as a share of the picture's; its pixels do not count.",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return AUGMENTATION_PRESETS.get(values.get("preset", "mild"), {}) | values

    @property
    def mirrors_only(self) -> bool:
        """Whether a photo is changed by nothing but mirroring."""
        changes = (self.rotation, self.color, self.gray, self.blur, self.cutout)
        return self.crop_scale == self.zoom_out == 1 and not any(changes)
