"""Settings of DatasetGate."""

from typing import Literal

from pydantic import Field

from petseg.class_table import ClassTable
from petseg.settings import Settings


class GateSettings(Settings):
    """What stops a run, in addition to anomalies."""

    on_drift: Literal["report", "stop"] = Field(
        "report",
        description="What to do if the training examples of the newest span (without spans: all) differ more "
        "from those of the model in production than the schema's drift comparators allow.",
    )


class TrainedMasks(Settings):
    """How Transform resizes masks, for those who look at what is left of the classes."""

    classes: ClassTable
    image_size: int = Field(description="model.image_size.")
    training_scale: float = Field(description="transform.training_scale.")
