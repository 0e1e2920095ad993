"""Settings of the export to other runtimes."""

import difflib

from pydantic import Field, field_validator

from petseg.settings import Settings
from trainer.export.formats import REGISTRY


class ExportSettings(Settings):
    """What a model is exported to, and how much worse a file may be than the model."""

    formats: tuple[str, ...] = Field(
        (),
        description="Formats that a model is exported to before it is pushed; []: none. Known are "
        f"{', '.join(REGISTRY)}.",
    )
    max_loss: float = Field(
        0.005,
        ge=0,
        le=1,
        description="Largest loss of mean IoU at native resolution, compared with the upper end of its 95% "
        "interval.",
    )
    max_slice_loss: float = Field(
        0.03, ge=0, le=1, description="The same for each slice of at least 30 examples; smaller slices warn."
    )
    calibration_photos: int = Field(
        200, ge=1, description="Training photos from which int8 learns the ranges of activations."
    )
    seed: int = Field(1, ge=0, description="Seed that draws the calibration photos, and of the bootstrap.")

    @field_validator("formats")
    @classmethod
    def _known_and_named_once(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for name in formats:
            if name not in REGISTRY:
                near = difflib.get_close_matches(name, REGISTRY, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(REGISTRY)}"
                raise ValueError(f"there is no format {name!r}; {hint}")
        if len(set(formats)) < len(formats):
            raise ValueError(f"must name each format once; received {list(formats)}")
        return formats


class ExporterSettings(Settings):
    """Everything that the Exporter needs: one JSON string in its exec properties."""

    export: ExportSettings
    slice_features: tuple[str, ...] = ()
