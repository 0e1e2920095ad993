"""Settings of the random changes of training examples: presets, and those of every augmentation."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model, model_validator

from petseg.settings import Settings
from trainer.data.augmentation import REGISTRY, load_augmentation
from trainer.data.augmentation.warp import WarpSettings

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
"""Values that differ from the defaults.

Scales in and out are what DeepLab (Chen et al. 2018) and PSPNet (Zhao et al. 2017, which adds 10 degrees and
blur) train segmentation with; strong color, gray and blur are SimCLR's (Chen et al. 2020); cutout is what
French et al. 2020, "Semi-supervised semantic segmentation needs strong, varied perturbations", found to help.
"""


class PresetSettings(Settings):
    """The preset."""

    preset: Literal["flips", "mild", "strong"] = Field(
        "mild", description="Default values of the other augmentation settings."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return AUGMENTATION_PRESETS.get(values.get("preset", "mild"), {}) | values


class SharedSettings(WarpSettings, PresetSettings):
    """Random changes of training examples; image and mask always move together."""

    @property
    def names(self) -> tuple[str, ...]:
        """The registered augmentations that are on."""
        return tuple(name for name in REGISTRY if load_augmentation(name).is_on(self))

    @property
    def mirrors_only(self) -> bool:
        """Whether an example is changed by nothing but mirroring."""
        return self.crop_scale == self.zoom_out == 1 and not self.rotation and not self.names


if TYPE_CHECKING:
    AugmentationSettings = SharedSettings
else:
    # Fields of later bases come first.
    AugmentationSettings = create_model(
        "AugmentationSettings",
        __base__=(*(load_augmentation(name).settings for name in reversed(REGISTRY)), SharedSettings),
        __module__=__name__,
        __doc__=SharedSettings.__doc__,
    )
