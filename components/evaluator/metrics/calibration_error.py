"""Expected calibration error of the pixels."""

from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.metrics.summed_counts import CALIBRATION, Size, figure_from_counts
from petseg.metrics import calibration


class CalibrationError(metric_types.Metric):
    """Distance of confidence and accuracy over a slice; see `petseg.metrics.calibration`."""

    def __init__(self, size: Size, name: str = "calibration_error"):
        """Initializes the calibration error.

        Args:
            size: `model` or `photo`: the size at which pixels are compared.
            name: Metric name.
        """
        super().__init__(metric_util.merge_per_key_computations(_calibration_error), size=size, name=name)


metric_types.register_metric(CalibrationError)


def _calibration_error(name: str, size: Size, model_name: str = "") -> metric_types.MetricComputations:
    return figure_from_counts(name, model_name, size, calibration.calibration_error, CALIBRATION)
