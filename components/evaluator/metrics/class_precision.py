"""Precision of one class."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import Size, figure_from_counts
from petseg.metrics import confusion


class ClassPrecision(metric_types.Metric):
    """Share of the pixels predicted as a class that have it, over a slice; NaN where there are none."""

    def __init__(self, class_id: int, size: Size, name: str = "class_precision"):
        """Initializes the figure of a class.

        Args:
            class_id: Id of the class in the model: its place in the class table.
            size: `model` or `photo`: the size at which pixels are compared.
            name: Metric name.
        """
        super().__init__(
            metric_util.merge_per_key_computations(_class_precision), class_id=class_id, size=size, name=name
        )


metric_types.register_metric(ClassPrecision)


def _class_precision(
    name: str, class_id: int, size: Size, model_name: str = ""
) -> metric_types.MetricComputations:
    return figure_from_counts(
        name, model_name, size, lambda counts: confusion.precision_per_class(counts)[class_id]
    )
