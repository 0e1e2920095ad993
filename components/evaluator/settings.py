"""Settings of the judging."""

from typing import Literal

from pydantic import Field

from trainer.class_table import ClassTable
from trainer.settings import Settings


class EvaluationSettings(Settings):
    """On what a model is judged and what it must reach."""

    split: Literal["test", "eval"] = Field(
        "test", description="Split that is judged; with `eval` nothing is pushed."
    )
    floor: float = Field(0.60, ge=0, le=1, description="Mean IoU at model size that a model must reach.")
    max_regression: float = Field(
        0.005,
        ge=0,
        le=1,
        description="Mean IoU at model size that a model may lie below the one in production.",
    )
    batch_size: int = Field(32, ge=1, description="Photos judged at a time.")


class JudgingSettings(Settings):
    """Everything that the Evaluator needs: one JSON string in its exec properties."""

    evaluation: EvaluationSettings = EvaluationSettings()
    classes: ClassTable
    slice_features: tuple[str, ...] = ()
