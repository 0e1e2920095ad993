"""The metrics of an evaluation, arranged as the report shows them."""

import dataclasses
from typing import Any

from petseg.evaluation.resolutions import RESOLUTION_TITLES
from petseg.metrics.metric import Metric
from petseg.metrics.registry import METRICS


@dataclasses.dataclass(frozen=True)
class MetricTable:
    """The metrics at one resolution.

    Attributes:
        title: The resolution.
        group: The metrics' values by name, as evaluation.json has them.
        per_class: Metrics per class that the evaluation has, one column each.
        means: Overall metrics that are the mean of one of these, by the name of the metric per class.
        overall: The other overall metrics that the evaluation has.
    """

    title: str
    group: dict[str, Any]
    per_class: list[Metric]
    means: dict[str, Metric]
    overall: list[Metric]


def metric_tables(evaluation: dict[str, Any]) -> list[MetricTable]:
    """A table for each resolution.

    Args:
        evaluation: Content of evaluation.json; one of an older version may lack metrics.
    """
    return [_table(title, evaluation[resolution]) for resolution, title in RESOLUTION_TITLES.items()]


def _table(title: str, group: dict[str, Any]) -> MetricTable:
    known = [metric for metric in METRICS.values() if group.get(metric.name) is not None]
    per_class = [metric for metric in known if metric.per_class]
    overall = [metric for metric in known if not metric.per_class]
    names = {metric.name for metric in per_class}
    return MetricTable(
        title=title,
        group=group,
        per_class=per_class,
        means={metric.mean_of: metric for metric in overall if metric.mean_of in names},
        overall=[metric for metric in overall if metric.mean_of not in names],
    )
