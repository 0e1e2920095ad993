"""The one combiner behind every metric: sums what the `evaluate` signature counted.

Each photo's extract holds, under `COUNTS_KEY`, {model name: {output of `evaluate`: array}}. A metric asks for
the sum of one output and derives its figure from it; TFMA removes computations that are asked for twice, so
an output is summed once a slice however many metrics read it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

COUNTS_KEY = "counts"
"""Key of the extracts, and the output of `evaluate` that holds int64 [n, 2, C, C], truth by prediction."""

Size = Literal["model", "photo"]
SIZES: tuple[Size, ...] = ("model", "photo")
"""Axis 1 of `counts`: at the model's size and at the photo's own size."""


def figure_from_counts(
    name: str, model_name: str, size: Size, figure: Callable[[NDArray[np.int64]], Any]
) -> metric_types.MetricComputations:
    """Computations of a metric that is one number made from the confusion counts of a slice.

    Args:
        name: Name of the metric.
        model_name: Name of the model in the EvalConfig.
        size: Whether the counts at the model's or at the photo's own size are meant.
        figure: Makes the number from int64 counts [C, C].

    Returns:
        The shared sum and the figure derived from it.

    Raises:
        ValueError: If there is no such size.
    """
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}. Received instead: {size!r}")
    key = metric_types.MetricKey(name=name, model_name=model_name)
    summed = sum_of_output(COUNTS_KEY, model_name)

    def derive(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        return {key: float(figure(metrics[summed.keys[0]][SIZES.index(size)]))}

    return [summed, metric_types.DerivedMetricComputation(keys=[key], result=derive)]


def sum_of_output(output: str, model_name: str) -> metric_types.MetricComputation:
    """The sum over a slice's photos of one output of `evaluate`, under a key that TFMA does not write out."""
    key = metric_types.MetricKey(name=f"_{output}", model_name=model_name)
    return metric_types.MetricComputation(
        keys=[key], preprocessors=[_OneOutput(output, model_name)], combiner=_SumCombiner(key)
    )


class _OneOutput(metric_types.Preprocessor):
    """Keeps of a photo's extract only the array to be summed, so that slices carry nothing else."""

    def __init__(self, output: str, model_name: str):
        super().__init__(name=f"{output} of {model_name}")
        self._output = output
        self._model_name = model_name

    def process(self, extracts: dict[str, Any]) -> Iterator[NDArray[np.int64]]:
        yield extracts[COUNTS_KEY][self._model_name][self._output]


class _SumCombiner(beam.CombineFn):
    """Sums arrays of one shape."""

    def __init__(self, key: metric_types.MetricKey):
        self._key = key

    def create_accumulator(self) -> NDArray[np.int64]:
        return np.zeros((), np.int64)

    def add_input(self, accumulator: NDArray[np.int64], element: NDArray[np.int64]) -> NDArray[np.int64]:
        return accumulator + element

    def merge_accumulators(self, accumulators: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
        return sum(accumulators, start=self.create_accumulator())

    def extract_output(self, accumulator: NDArray[np.int64]) -> dict[metric_types.MetricKey, Any]:
        return {self._key: accumulator}
