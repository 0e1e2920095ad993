"""Which of the further thresholds a model missed, and where, in words."""

import math

import tensorflow_model_analysis as tfma

from components.evaluator.settings import LOWER_IS_BETTER, Threshold

ALL_PHOTOS = "all photos"


class SlicedFigures:
    """What TFMA found out about one model."""

    def __init__(self, evaluation_uri: str, model_name: str):
        """Reads TFMA's results of the model with that name in the EvalConfig."""
        result = tfma.load_eval_result(evaluation_uri, model_name=model_name)
        self._by_slice = {key: result.get_metrics_for_slice(key) for key, _ in result.slicing_metrics}

    def overall(self) -> dict[str, float]:
        """Figures over all photos, by the metric's name; those that are not a number are left out."""
        figures = {name: self._number(value) for name, value in self._by_slice[()].items()}
        return {name: value for name, value in figures.items() if math.isfinite(value)}

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
    threshold: Threshold, candidate: SlicedFigures, baseline: SlicedFigures | None
) -> list[str]:
    """Says what of a threshold the candidate missed, in which slices; nothing where it reached all.

    Args:
        threshold: What it must reach.
        candidate: Its figures.
        baseline: Those of the model in production; None if there is none. A figure that does not exist there,
            because an older version does not count what it needs, is nothing to compare with.
    """
    figures = candidate.of_slices(threshold.metric, threshold.slice)
    name = threshold.metric + (f" by {threshold.slice}" if threshold.slice else "")
    if not figures:
        return [f"{name}: no photo has that feature"]
    missed = []
    if (minimum := threshold.minimum) is not None:
        below = _beyond({place: minimum - value for place, value in figures.items()}, 0)
        missed += [f"{name} is {_at(below, figures)}, below {minimum:.4f}"] if below else []
    if (maximum := threshold.maximum) is not None:
        above = _beyond({place: value - maximum for place, value in figures.items()}, 0)
        missed += [f"{name} is {_at(above, figures)}, above {maximum:.4f}"] if above else []
    if (max_gap := threshold.max_gap) is not None:
        low = min(figures, key=lambda place: figures[place])
        apart = _beyond({place: value - figures[low] for place, value in figures.items()}, max_gap)
        if apart:
            ends = f"{_at([low], figures)} and {_at(apart[:1], figures)}"
            missed.append(f"{name} is {ends}, more than {max_gap:.4f} apart")
    return missed if baseline is None else missed + _regressions(name, threshold, figures, baseline)


def _regressions(
    name: str, threshold: Threshold, figures: dict[str, float], baseline: SlicedFigures
) -> list[str]:
    allowed = threshold.max_regression
    if allowed is None:
        return []
    production = baseline.of_slices(threshold.metric, threshold.slice)
    sign = -1 if threshold.metric.partition("/")[2] in LOWER_IS_BETTER else 1
    compared = [place for place in figures if math.isfinite(production[place])]
    worse = _beyond({place: sign * (production[place] - figures[place]) for place in compared}, allowed)
    if not worse:
        return []
    than = f"more than {allowed:.4f} worse than production's {production[worse[0]]:.4f}"
    return [f"{name} is {_at(worse, figures)}, {than}"]


def _beyond(losses: dict[str, float], allowed: float) -> list[str]:
    """Slices that lose more than is allowed, the worst first; a loss that is not a number is the worst."""
    losses = {place: math.inf if math.isnan(loss) else loss for place, loss in losses.items()}
    beyond = [place for place, loss in losses.items() if loss > allowed]
    return sorted(beyond, key=lambda place: -losses[place])


def _at(places: list[str], figures: dict[str, float]) -> str:
    """The figure of the first place, and how many more there are."""
    others = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{figures[places[0]]:.4f} for {places[0]}{others}"
