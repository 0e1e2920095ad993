"""Which thresholds a model missed, and in which slices, in words."""

import math

import tensorflow_model_analysis as tfma

from components.evaluator.settings import Threshold, metric_of
from petseg.metrics.registry import METRICS

ALL_PHOTOS = "all photos"


class SlicedMetrics:
    """TFMA's results of one model, by slice."""

    def __init__(self, evaluation_uri: str, model_name: str):
        """Reads the results of the model with that name in the EvalConfig."""
        result = tfma.load_eval_result(evaluation_uri, model_name=model_name)
        self._by_slice = {key: result.get_metrics_for_slice(key) for key, _ in result.slicing_metrics}

    def overall(self) -> dict[str, float]:
        """Metrics over all photos, by name; those that are NaN are left out."""
        metrics = {name: self._number(value) for name, value in self._by_slice[()].items()}
        return {name: value for name, value in metrics.items() if math.isfinite(value)}

    def of_slices(self, metric: str, feature: str | None) -> dict[str, float]:
        """A metric by value of a slice feature, or over all photos; NaN where it does not exist."""
        return {
            key[0][1] if key else ALL_PHOTOS: self._number(metrics.get(metric))
            for key, metrics in self._by_slice.items()
            if (key[0][0] if key else None) == feature
        }

    @staticmethod
    def _number(value: dict[str, str | float] | None) -> float:
        # TFMA reads its results through JSON, in which NaN is a string.
        return math.nan if value is None else float(value["doubleValue"])


def missed_limits(
    threshold: Threshold, candidate: SlicedMetrics, baseline: SlicedMetrics | None
) -> list[str]:
    """Says which limits of a threshold the candidate missed, and in which slices; empty where it met all.

    Args:
        threshold: What it must reach.
        candidate: Its metrics.
        baseline: Those of the model in production; None if there is none. A metric that does not exist there,
            because an older version does not count what it needs, is not compared.
    """
    values = candidate.of_slices(threshold.metric, threshold.slice)
    name = threshold.metric + (f" by {threshold.slice}" if threshold.slice else "")
    if not values:
        return [f"{name}: no photo has that feature"]
    missed = []
    if (minimum := threshold.minimum) is not None:
        below = _beyond({key: minimum - value for key, value in values.items()}, 0)
        missed += [f"{name} is {_worst(below, values)}, below {minimum:.4f}"] if below else []
    if (maximum := threshold.maximum) is not None:
        above = _beyond({key: value - maximum for key, value in values.items()}, 0)
        missed += [f"{name} is {_worst(above, values)}, above {maximum:.4f}"] if above else []
    if (max_gap := threshold.max_gap) is not None:
        low = min(values, key=lambda key: values[key])
        apart = _beyond({key: value - values[low] for key, value in values.items()}, max_gap)
        if apart:
            ends = f"{_worst([low], values)} and {_worst(apart[:1], values)}"
            missed.append(f"{name} is {ends}, more than {max_gap:.4f} apart")
    return missed if baseline is None else missed + _regressions(name, threshold, values, baseline)


def _regressions(
    name: str, threshold: Threshold, values: dict[str, float], baseline: SlicedMetrics
) -> list[str]:
    allowed = threshold.max_regression
    if allowed is None:
        return []
    production = baseline.of_slices(threshold.metric, threshold.slice)
    sign = 1 if METRICS[metric_of(threshold.metric)].higher_is_better else -1
    compared = [key for key in values if math.isfinite(production[key])]
    worse = _beyond({key: sign * (production[key] - values[key]) for key in compared}, allowed)
    if not worse:
        return []
    than = f"more than {allowed:.4f} worse than production's {production[worse[0]]:.4f}"
    return [f"{name} is {_worst(worse, values)}, {than}"]


def _beyond(losses: dict[str, float], allowed: float) -> list[str]:
    """Slices that lose more than is allowed, the worst first; a loss that is NaN is the worst."""
    losses = {key: math.inf if math.isnan(loss) else loss for key, loss in losses.items()}
    beyond = [key for key, loss in losses.items() if loss > allowed]
    return sorted(beyond, key=lambda key: -losses[key])


def _worst(slices: list[str], values: dict[str, float]) -> str:
    """The value of the first slice, and how many more there are."""
    others = f" and {len(slices) - 1} more" if len(slices) > 1 else ""
    return f"{values[slices[0]]:.4f} for {slices[0]}{others}"
