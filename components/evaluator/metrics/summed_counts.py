"""The combiner behind every metric: sums the counts of the `evaluate` signature.

Each photo's extract holds, under `COUNTS_KEY`, {model name: {output of `evaluate`: array}}. A metric requests
the sums of a model and derives its value from one of them. TFMA removes duplicate computations, so every
output is summed once per slice however many metrics read it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

COUNTS_KEY = "counts"
"""Key of the extracts."""

Counted = dict[str, NDArray[np.int64]]
"""What `evaluate` counts of one photo, or summed over many: int64 [2, ...] by output; axis 0 is that of
`petseg.evaluation.resolutions.RESOLUTIONS`."""


def sum_of_counts(model_name: str) -> metric_types.MetricComputation:
    """The sums of a model's outputs over the photos of a slice, under a key that TFMA does not write out."""
    key = metric_types.MetricKey(name="_summed_counts", model_name=model_name)
    return metric_types.MetricComputation(
        keys=[key], preprocessors=[_OneModel(model_name)], combiner=_SumCombiner(key)
    )


class _OneModel(metric_types.Preprocessor):
    """Keeps only the arrays to sum of a photo's extract, so that slices carry nothing else."""

    def __init__(self, model_name: str):
        super().__init__(name=f"counts of {model_name}")
        self._model_name = model_name

    def process(self, extracts: dict[str, Any]) -> Iterator[Counted]:
        yield extracts[COUNTS_KEY][self._model_name]


class _SumCombiner(beam.CombineFn):
    """Sums arrays by output; an output that a photo lacks counts as zero."""

    def __init__(self, key: metric_types.MetricKey):
        self._key = key

    def create_accumulator(self) -> Counted:
        return {}

    def add_input(self, accumulator: Counted, element: Counted) -> Counted:
        for output, counts in element.items():
            # A new array: elements belong to Beam, which passes the counts of a photo to several slices.
            accumulator[output] = accumulator[output] + counts if output in accumulator else counts
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counted]) -> Counted:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged = self.add_input(merged, accumulator)
        return merged

    def extract_output(self, accumulator: Counted) -> dict[metric_types.MetricKey, Any]:
        return {self._key: accumulator}
