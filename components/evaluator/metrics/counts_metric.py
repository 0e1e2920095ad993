"""The one TFMA metric: any metric of the registry, from the counts summed over a slice."""

from collections.abc import Sequence
from typing import Any

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import sum_of_counts
from petseg.evaluation.resolutions import RESOLUTIONS, Resolution
from petseg.metrics.registry import METRICS, MetricEntry


class CountsMetric(metric_types.Metric):
    """A metric of `petseg.metrics.registry`, of all classes or of one, at one resolution.

    The EvalConfig names class and module, so that Beam workers import it. Where the `evaluate` of a model
    lacks the counts, the metric is absent from TFMA's results of that model.
    """

    def __init__(
        self,
        metric: str,
        resolution: Resolution,
        class_id: int | None = None,
        foreground: Sequence[int] = (),
        name: str | None = None,
    ):
        """Initializes the metric.

        Args:
            metric: Its name in the registry.
            resolution: Where pixels are compared.
            class_id: Id of the class, for a metric per class.
            foreground: Ids of the foreground classes, for a metric that takes them.
            name: Name in the results.
        """
        super().__init__(
            metric_util.merge_per_key_computations(_computations),
            metric=metric,
            resolution=resolution,
            class_id=class_id,
            foreground=list(foreground),
            name=name or f"{resolution}/{metric}",
        )


metric_types.register_metric(CountsMetric)


def _computations(
    name: str,
    metric: str,
    resolution: Resolution,
    class_id: int | None,
    foreground: Sequence[int],
    model_name: str = "",
) -> metric_types.MetricComputations:
    """The sum that all metrics of a model share, and the metric derived from it.

    Raises:
        ValueError: If there is no such metric or resolution.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}. Received instead: {metric!r}")
    if resolution not in RESOLUTIONS:
        raise ValueError(
            f"resolution must be one of {', '.join(RESOLUTIONS)}. Received instead: {resolution!r}"
        )
    entry = MetricEntry(METRICS[metric], class_id)
    axis = RESOLUTIONS.index(resolution)
    key = metric_types.MetricKey(name=name, model_name=model_name)
    summed = sum_of_counts(model_name)

    def derive(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        sums = {output: counts[axis] for output, counts in metrics[summed.keys[0]].items()}
        return {key: entry.value(sums, foreground)} if entry.metric.counts in sums else {}

    return [summed, metric_types.DerivedMetricComputation(keys=[key], result=derive)]
