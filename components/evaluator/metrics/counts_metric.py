"""The one TFMA metric: any metric of the registry, from the counts summed over a slice."""

from collections.abc import Sequence
from typing import Any

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import sum_of_counts
from petseg.evaluation.resolutions import RESOLUTIONS, Resolution
from petseg.metrics.metric import Metric
from petseg.metrics.registry import METRICS


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
    of_metric = METRICS[metric]
    summed = sum_of_counts(model_name)
    values = _values(of_metric, resolution, tuple(foreground), summed.keys[0])
    key = metric_types.MetricKey(name=name, model_name=model_name)

    def derive(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        if values.keys[0] not in metrics:
            return {}
        of_classes = metrics[values.keys[0]]
        return {key: float(of_classes if class_id is None else of_classes[class_id])}

    return [summed, values, metric_types.DerivedMetricComputation(keys=[key], result=derive)]


def _values(
    metric: Metric, resolution: Resolution, foreground: tuple[int, ...], summed: metric_types.MetricKey
) -> metric_types.DerivedMetricComputation:
    """A metric's values, of all classes at once, so that many classes do not each go through all counts.

    TFMA does not write out keys that begin with an underscore; it drops equal computations by their keys.
    """
    name = f"_{resolution}/{metric.name}/{foreground}"
    key = metric_types.MetricKey(name=name, model_name=summed.model_name)
    axis = RESOLUTIONS.index(resolution)

    def derive(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, Any]:
        counts = metrics[summed].get(metric.counts)
        if counts is None:
            return {}
        return {key: metric.function(counts[axis], *([foreground] if metric.takes_foreground else []))}

    return metric_types.DerivedMetricComputation(keys=[key], result=derive)
