"""Share of pixels whose class was found."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import Size, figure_from_counts
from petseg.metrics import confusion


class PixelAccuracy(metric_types.Metric):
    """Share of the pixels whose class was found, from the counts summed over a slice."""

    def __init__(self, size: Size, name: str = "pixel_accuracy"):
        """Initializes pixel accuracy.

        Args:
            size: `model` or `photo`: the size at which pixels are compared.
            name: Metric name.
        """
        super().__init__(metric_util.merge_per_key_computations(_pixel_accuracy), size=size, name=name)


metric_types.register_metric(PixelAccuracy)


def _pixel_accuracy(name: str, size: Size, model_name: str = "") -> metric_types.MetricComputations:
    return figure_from_counts(name, model_name, size, confusion.pixel_accuracy)
