"""Settings of DatasetGate."""

from typing import Any, Literal

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
    transform: dict[str, Any] = Field({}, description="The settings of transform.")
    input_size: tuple[int, int] = Field(description="Height and width of the model's input in pixels.")
