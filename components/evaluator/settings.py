"""Settings of the evaluation."""

import logging
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator, model_validator

from petseg.class_table import ClassTable
from petseg.evaluation.resolutions import FORMER_NATIVE, RESOLUTIONS
from petseg.metrics.registry import METRICS, metric_entries
from petseg.settings import Settings, check_known

logger = logging.getLogger("petseg")


class Threshold(Settings):
    """What a metric must reach: over all photos, or in each slice."""

    metric: str = Field(
        description="Name of the metric, such as model/mean_iou or native/dice/KEY, where KEY is that of a "
        "class."
    )
    slice: str | None = Field(
        None, description="Feature; each of its values must pass. null: all photos together."
    )
    minimum: float | None = Field(None, description="Lowest value that passes.")
    maximum: float | None = Field(
        None, description="Highest value that passes, for a metric that should be low."
    )
    max_gap: float | None = Field(
        None, ge=0, description="Largest difference between two values of the slice feature that passes."
    )
    max_regression: float | None = Field(
        None, ge=0, description="How much worse than the model in production the model may be."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Threshold":
        if {self.minimum, self.maximum, self.max_gap, self.max_regression} == {None}:
            raise ValueError(
                f"the threshold on {self.metric} must have a minimum, maximum, max_gap or max_regression"
            )
        if self.max_gap is not None and self.slice is None:
            raise ValueError(f"the max_gap of {self.metric} needs a slice, whose values it compares")
        return self

    @model_validator(mode="after")
    def _can_be_reached(self) -> "Threshold":
        name = metric_of(self.metric)
        if name not in METRICS:
            # Whether such a metric exists is checked with the data's classes, so that the nearest is named.
            return self
        low, high = METRICS[name].bounds
        for key, least, most in (
            ("minimum", low, high),
            ("maximum", low, high),
            ("max_gap", 0, high - low),
            ("max_regression", 0, high - low),
        ):
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                raise ValueError(f"the {key} of {self.metric} must be in {least:g} to {most:g}")
        return self


class EvaluationSettings(Settings):
    """What a model is evaluated on and what it must reach."""

    split: Literal["test", "eval"] = Field(
        "test", description="Split to evaluate on; with `eval` nothing is pushed."
    )
    floor: float = Field(
        0.60, ge=0, le=1, description="Mean IoU at model resolution that a model must reach."
    )
    max_regression: float = Field(
        0.005,
        ge=0,
        le=1,
        description="How far the mean IoU at model resolution may be below that of the model in production.",
    )
    foreground: tuple[str, ...] = Field(
        (), description="Classes that count as foreground in the binary IoU; []: no binary IoU."
    )
    thresholds: tuple[Threshold, ...] = Field(
        (),
        description="More conditions that a model must meet: a list of {metric, slice, minimum, maximum, "
        "max_gap, max_regression}. A metric without a value, such as that of a class that a slice lacks, "
        "does not pass.",
    )
    batch_size: int = Field(32, ge=1, description="Photos per batch.")

    @field_validator("thresholds")
    @classmethod
    def _former_names(cls, thresholds: tuple[Threshold, ...]) -> tuple[Threshold, ...]:
        """Accepts the names of the last release, photo/..., with one line of warning."""
        former = [threshold.metric for threshold in thresholds if _is_former(threshold.metric)]
        if not former:
            return thresholds
        logger.warning(
            "evaluation.thresholds: %s is deprecated and will be an error in the next release; write %s",
            former[0],
            _native_name(former[0]),
        )
        return tuple(
            threshold.model_copy(update={"metric": _native_name(threshold.metric)})
            if _is_former(threshold.metric)
            else threshold
            for threshold in thresholds
        )

    def foreground_ids(self, classes: ClassTable) -> list[int]:
        """Ids of the foreground classes."""
        return [classes.names.index(name) for name in self.foreground]

    def check_against(self, classes: ClassTable, slice_features: Sequence[str]) -> None:
        """Raises a ValueError where the settings name a class, metric or slice that the data lacks."""
        for name in self.foreground:
            check_known("evaluation.foreground", name, classes.names)
        if set(self.foreground) == set(classes.names):
            raise ValueError("evaluation.foreground must leave a class for the background; it names all")
        known = metric_names(classes.keys, bool(self.foreground))
        for threshold in self.thresholds:
            check_known("evaluation.thresholds: metric", _with_key(threshold.metric, classes), known)
            if threshold.slice is not None:
                check_known("evaluation.thresholds: slice", threshold.slice, slice_features)


class EvaluatorSettings(Settings):
    """Everything that the Evaluator needs: one JSON string in its exec properties."""

    evaluation: EvaluationSettings = EvaluationSettings()
    classes: ClassTable
    slice_features: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _thresholds_use_keys(self) -> "EvaluatorSettings":
        """Accepts the name of a class, as it is in the class table, in a threshold's metric."""
        thresholds = tuple(
            threshold.model_copy(update={"metric": _with_key(threshold.metric, self.classes)})
            for threshold in self.evaluation.thresholds
        )
        evaluation = self.evaluation.model_copy(update={"thresholds": thresholds})
        object.__setattr__(self, "evaluation", evaluation)
        return self


def metric_names(class_keys: Sequence[str], has_foreground: bool) -> list[str]:
    """Names of the metrics in TFMA's results: `model/mean_iou`, `native/iou/KEY`."""
    entries = metric_entries(class_keys, has_foreground)
    return [f"{resolution}/{entry.name}" for resolution in RESOLUTIONS for entry in entries]


def metric_of(name: str) -> str:
    """Name in the registry of a metric in TFMA's results: `iou` of `native/iou/NAME`."""
    return name.split("/")[1] if "/" in name else ""


def _with_key(metric: str, classes: ClassTable) -> str:
    """The metric with the key of its class, where it has the name."""
    prefix, slash, name = metric.rpartition("/")
    keys = dict(zip(classes.names, classes.keys, strict=True))
    return f"{prefix}{slash}{keys.get(name, name)}" if prefix.count("/") else metric


def _is_former(name: str) -> bool:
    return name.startswith(f"{FORMER_NATIVE}/")


def _native_name(former: str) -> str:
    return "native/" + former.removeprefix(f"{FORMER_NATIVE}/")
