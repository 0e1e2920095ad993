"""Mean IoU over the classes that occur."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import Size, figure_from_counts
from petseg.metrics import confusion


class MeanIoU(metric_types.Metric):
    """Mean of the classes' IoU, from the counts summed over a slice; see `petseg.metrics`."""

    def __init__(self, size: Size, name: str = "mean_iou"):
        """Initializes mean IoU.

        Args:
            size: `model` or `photo`: the size at which pixels are compared.
            name: Metric name.
        """
        super().__init__(metric_util.merge_per_key_computations(_mean_iou), size=size, name=name)


metric_types.register_metric(MeanIoU)


def _mean_iou(name: str, size: Size, model_name: str = "") -> metric_types.MetricComputations:
    return figure_from_counts(name, model_name, size, confusion.mean_iou)
