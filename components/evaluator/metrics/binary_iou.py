"""IoU of foreground against background."""

from collections.abc import Sequence

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import Size, figure_from_counts
from petseg.metrics import confusion


class BinaryIoU(metric_types.Metric):
    """IoU of several classes taken as one; see `petseg.metrics.confusion.binary_iou`."""

    def __init__(self, foreground: Sequence[int], size: Size, name: str = "binary_iou"):
        """Initializes binary IoU.

        Args:
            foreground: Ids of the classes that together are the foreground.
            size: `model` or `photo`: the size at which pixels are compared.
            name: Metric name.
        """
        super().__init__(
            metric_util.merge_per_key_computations(_binary_iou),
            foreground=list(foreground),
            size=size,
            name=name,
        )


metric_types.register_metric(BinaryIoU)


def _binary_iou(
    name: str, foreground: Sequence[int], size: Size, model_name: str = ""
) -> metric_types.MetricComputations:
    return figure_from_counts(name, model_name, size, lambda counts: confusion.binary_iou(counts, foreground))
