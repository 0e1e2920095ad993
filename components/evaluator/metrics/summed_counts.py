"""The one combiner behind every metric: sums what the `evaluate` signature counted.

Each photo's extract holds, under `COUNTS_KEY`, {model name: {output of `evaluate`: array}}. A metric asks for
the sums of a model and derives its figure from one of them; TFMA removes computations that are asked for
twice, so every output is summed once a slice however many metrics read it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

COUNTS_KEY = "counts"
"""Key of the extracts."""

CONFUSION = "counts"
BOUNDARY = "boundary"
CALIBRATION = "calibration"
OUTPUTS = (CONFUSION, BOUNDARY, CALIBRATION)
"""Outputs of `evaluate`, int64 [n, 2, ...], see `trainer.export.counts`. Models of older versions of this
project have the first only."""

Counted = dict[str, NDArray[np.int64]]
"""What `evaluate` says of one photo, or summed of many: array by output."""

Size = Literal["model", "photo"]
SIZES: tuple[Size, ...] = ("model", "photo")
"""Axis 1 of every output: at the model's size and at the photo's own size."""


def figure_from_counts(
    name: str,
    model_name: str,
    size: Size,
    figure: Callable[[NDArray[np.int64]], Any],
    output: str = CONFUSION,
) -> metric_types.MetricComputations:
    """Computations of a metric that is one number made from the summed counts of a slice.

    A model whose `evaluate` has no such output has no such metric: it is absent from TFMA's results.

    Args:
        name: Name of the metric.
        model_name: Name of the model in the EvalConfig.
        size: Whether the counts at the model's or at the photo's own size are meant.
        figure: Makes the number from the output's int64 counts [...].
        output: Which output of `evaluate`.

    Returns:
        The shared sum and the figure derived from it.

    Raises:
        ValueError: If there is no such size.
    """
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}. Received instead: {size!r}")
    key = metric_types.MetricKey(name=name, model_name=model_name)
    summed = sum_of_counts(model_name)

    def derive(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        sums = metrics[summed.keys[0]]
        return {key: float(figure(sums[output][SIZES.index(size)]))} if output in sums else {}

    return [summed, metric_types.DerivedMetricComputation(keys=[key], result=derive)]


def sum_of_counts(model_name: str) -> metric_types.MetricComputation:
    """The sums of a model's outputs over a slice's photos, under a key that TFMA does not write out."""
    key = metric_types.MetricKey(name="_summed_counts", model_name=model_name)
    return metric_types.MetricComputation(
        keys=[key], preprocessors=[_OneModel(model_name)], combiner=_SumCombiner(key)
    )


class _OneModel(metric_types.Preprocessor):
    """Keeps of a photo's extract only the arrays to be summed, so that slices carry nothing else."""

    def __init__(self, model_name: str):
        super().__init__(name=f"counts of {model_name}")
        self._model_name = model_name

    def process(self, extracts: dict[str, Any]) -> Iterator[Counted]:
        yield extracts[COUNTS_KEY][self._model_name]


class _SumCombiner(beam.CombineFn):
    """Sums arrays by output; what one photo lacks counts as zero."""

    def __init__(self, key: metric_types.MetricKey):
        self._key = key

    def create_accumulator(self) -> Counted:
        return {}

    def add_input(self, accumulator: Counted, element: Counted) -> Counted:
        for output, counts in element.items():
            # A new array: elements belong to Beam, which hands one photo's counts to several slices.
            accumulator[output] = accumulator[output] + counts if output in accumulator else counts
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counted]) -> Counted:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged = self.add_input(merged, accumulator)
        return merged

    def extract_output(self, accumulator: Counted) -> dict[metric_types.MetricKey, Any]:
        return {self._key: accumulator}
