"""Boundary IoU of one class."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import BOUNDARY, Size, figure_from_counts
from petseg.metrics import boundary


class ClassBoundaryIoU(metric_types.Metric):
    """Boundary IoU of one class over a slice; NaN where neither truth nor prediction has its boundary."""

    def __init__(self, class_id: int, size: Size, name: str = "class_boundary_iou"):
        """Initializes the boundary IoU of a class.

        Args:
            class_id: Id of the class in the model: its place in the class table.
            size: `model` or `photo`: the size at which bands are drawn and compared.
            name: Metric name.
        """
        super().__init__(
            metric_util.merge_per_key_computations(_class_boundary_iou),
            class_id=class_id,
            size=size,
            name=name,
        )


metric_types.register_metric(ClassBoundaryIoU)


def _class_boundary_iou(
    name: str, class_id: int, size: Size, model_name: str = ""
) -> metric_types.MetricComputations:
    return figure_from_counts(
        name, model_name, size, lambda overlaps: boundary.boundary_iou_per_class(overlaps)[class_id], BOUNDARY
    )
