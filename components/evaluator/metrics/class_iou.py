"""IoU of one class."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import Size, figure_from_counts
from petseg.metrics import confusion


class ClassIoU(metric_types.Metric):
    """IoU of one class, from the counts summed over a slice; NaN where the class does not occur."""

    def __init__(self, class_id: int, size: Size, name: str = "class_iou"):
        """Initializes the IoU of a class.

        Args:
            class_id: Id of the class in the model: its place in the class table.
            size: `model` or `photo`: the size at which pixels are compared.
            name: Metric name.
        """
        super().__init__(
            metric_util.merge_per_key_computations(_class_iou), class_id=class_id, size=size, name=name
        )


metric_types.register_metric(ClassIoU)


def _class_iou(name: str, class_id: int, size: Size, model_name: str = "") -> metric_types.MetricComputations:
    return figure_from_counts(
        name, model_name, size, lambda counts: confusion.iou_per_class(counts)[class_id]
    )
