"""All metrics by name. A new one is a file beside this one and a line in `_FILES`.

Results of TFMA, thresholds, evaluation.json, the report, `compare` and the model card read the registry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petseg.metrics import (
    boundary_iou,
    calibration_error,
    dice,
    iou,
    pixel_accuracy,
    precision_recall,
)
from petseg.metrics.metric import Metric

_FILES = (
    iou,
    pixel_accuracy,
    dice,
    precision_recall,
    boundary_iou,
    calibration_error,
)

METRICS: dict[str, Metric] = {metric.name: metric for file in _FILES for metric in file.METRICS}
"""In the order in which tables show them."""


@dataclass(frozen=True)
class MetricEntry:
    """One line of a table of metrics: an overall metric, or a metric per class for one class."""

    metric: Metric
    class_id: int | None = None
    class_name: str | None = None

    @property
    def name(self) -> str:
        """Name in results, without the resolution: `mean_iou`, `iou/background`."""
        return self.metric.name if self.class_name is None else f"{self.metric.name}/{self.class_name}"

    @property
    def title(self) -> str:
        """Name in tables: `mean IoU`, `IoU background`."""
        return self.metric.title if self.class_name is None else f"{self.metric.title} {self.class_name}"

    def value(self, counts: Mapping[str, NDArray[np.int64] | None], foreground: Sequence[int] = ()) -> float:
        """The metric of summed counts.

        Args:
            counts: By output of `evaluate`; None, or no entry, where the model does not count it.
            foreground: Ids of the foreground classes.

        Returns:
            The value; NaN where it does not exist.
        """
        of_output = counts.get(self.metric.counts)
        if of_output is None:
            return float("nan")
        values = self.metric.function(of_output, *([foreground] if self.metric.takes_foreground else []))
        return float(values if self.class_id is None else values[self.class_id])


def metric_entries(class_names: Sequence[str], has_foreground: bool) -> list[MetricEntry]:
    """All metrics of a data set: the overall ones first, then those per class, class by class.

    Args:
        class_names: In the order of class ids.
        has_foreground: Whether the settings name a foreground; metrics that need one are left out otherwise.
    """
    metrics = [metric for metric in METRICS.values() if has_foreground or not metric.takes_foreground]
    overall = [MetricEntry(metric) for metric in metrics if not metric.per_class]
    per_class = [metric for metric in metrics if metric.per_class]
    return overall + [
        MetricEntry(metric, class_id, name)
        for metric in per_class
        for class_id, name in enumerate(class_names)
    ]
