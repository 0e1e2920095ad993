"""The metrics of an evaluation, from their registry."""

from collections.abc import Iterator

from petseg.metrics.metric import Metric
from petseg.metrics.registry import METRICS


def metrics_page() -> str:
    """A table of all metrics."""
    return "\n".join(["| name | metric | range |", "|---|---|---|", *map(_row, METRICS.values())])


def _row(metric: Metric) -> str:
    name = f"{metric.name}/CLASS" if metric.per_class else metric.name
    return f"| `{name}` | {' '.join(_sentences(metric))} | {_range(metric)} |"


def _sentences(metric: Metric) -> Iterator[str]:
    yield metric.description
    if metric.takes_foreground:
        yield "Only where `evaluation.foreground` names classes."


def _range(metric: Metric) -> str:
    least, largest = (f"{bound:g}" for bound in metric.bounds)
    return f"{least} to {largest}, {'higher' if metric.higher_is_better else 'lower'} is better"
