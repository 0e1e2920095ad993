"""Mean boundary IoU over the classes that have a boundary."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import BOUNDARY, Size, figure_from_counts
from petseg.metrics import boundary


class MeanBoundaryIoU(metric_types.Metric):
    """Mean of the classes' boundary IoU over a slice; see `petseg.metrics.boundary.mean_boundary_iou`."""

    def __init__(self, size: Size, name: str = "mean_boundary_iou"):
        """Initializes mean boundary IoU.

        Args:
            size: `model` or `photo`: the size at which bands are drawn and compared.
            name: Metric name.
        """
        super().__init__(metric_util.merge_per_key_computations(_mean_boundary_iou), size=size, name=name)


metric_types.register_metric(MeanBoundaryIoU)


def _mean_boundary_iou(name: str, size: Size, model_name: str = "") -> metric_types.MetricComputations:
    return figure_from_counts(name, model_name, size, boundary.mean_boundary_iou, BOUNDARY)
