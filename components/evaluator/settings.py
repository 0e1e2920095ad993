"""Settings of the judging."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from petseg.class_table import ClassTable
from petseg.settings import Settings, check_known

SIZES = ("model", "photo")
CLASS_FIGURES = ("iou", "dice", "precision", "recall", "boundary_iou")
OVERALL_FIGURES = ("mean_iou", "pixel_accuracy", "mean_boundary_iou", "calibration_error")
BINARY_IOU = "binary_iou"
LOWER_IS_BETTER = ("calibration_error",)


class Threshold(Settings):
    """What a metric must reach: over all photos, or in each slice."""

    metric: str = Field(description="Its name in TFMA's results, such as model/mean_iou or photo/dice/NAME.")
    slice: str | None = Field(
        None, description="Feature whose every value must reach it; null: all photos together."
    )
    minimum: float | None = Field(None, ge=0, le=1, description="The least value.")
    maximum: float | None = Field(
        None, ge=0, le=1, description="The largest value, of a metric that should be small."
    )
    max_gap: float | None = Field(
        None, ge=0, le=1, description="How far two values of the slice feature may lie apart."
    )
    max_regression: float | None = Field(
        None, ge=0, le=1, description="How much worse than the model in production it may be."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Threshold":
        if {self.minimum, self.maximum, self.max_gap, self.max_regression} == {None}:
            raise ValueError(
                f"the threshold on {self.metric} must have a minimum, maximum, max_gap or max_regression"
            )
        if self.max_gap is not None and self.slice is None:
            raise ValueError(
                f"the max_gap of {self.metric} must name the slice whose values it holds between"
            )
        return self


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
    foreground: tuple[str, ...] = Field(
        (), description="Classes that together are the foreground of the binary IoU; []: no binary IoU."
    )
    thresholds: tuple[Threshold, ...] = Field(
        (),
        description="Further things a model must reach: a list of {metric, slice, minimum, maximum, max_gap, "
        "max_regression}. A figure that does not exist, of a class that a slice lacks, reaches nothing.",
    )
    batch_size: int = Field(32, ge=1, description="Photos judged at a time.")

    def check_against(self, classes: ClassTable, slice_features: Sequence[str]) -> None:
        """Raises a ValueError where the settings name a class, metric or slice that the data has not."""
        for name in self.foreground:
            check_known("evaluation.foreground", name, classes.names)
        if set(self.foreground) == set(classes.names):
            raise ValueError("evaluation.foreground must leave a class for the background; it names all")
        known = metric_names(classes.names, bool(self.foreground))
        for threshold in self.thresholds:
            check_known("evaluation.thresholds: metric", threshold.metric, known)
            if threshold.slice is not None:
                check_known("evaluation.thresholds: slice", threshold.slice, slice_features)


def metric_names(class_names: Sequence[str], has_foreground: bool) -> list[str]:
    """Names of the metrics in TFMA's results: `model/mean_iou`, `photo/iou/NAME`."""
    figures = [*OVERALL_FIGURES, *([BINARY_IOU] if has_foreground else [])]
    figures += [f"{figure}/{name}" for figure in CLASS_FIGURES for name in class_names]
    return [f"{size}/{figure}" for size in SIZES for figure in figures]


class JudgingSettings(Settings):
    """Everything that the Evaluator needs: one JSON string in its exec properties."""

    evaluation: EvaluationSettings = EvaluationSettings()
    classes: ClassTable
    slice_features: tuple[str, ...] = ()
