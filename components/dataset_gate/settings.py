"""Settings of the gate."""

from typing import Literal

from pydantic import Field

from petseg.class_table import ClassTable
from petseg.settings import Settings


class GateSettings(Settings):
    """What stops a run besides anomalies."""

    on_drift: Literal["report", "stop"] = Field(
        "report",
        description="What happens where the train pairs of the newest span (without spans: all) have moved "
        "further from those of the model in production than the schema's drift comparators allow.",
    )


class TrainedMasks(Settings):
    """How Transform resizes masks, for those who look at what is left of the classes."""

    classes: ClassTable
    image_size: int = Field(description="model.image_size.")
    training_scale: float = Field(description="transform.training_scale.")
