"""What `evaluate` counts of a photo at one resolution: one file for each output, and the registry of them.

A new output is a file beside this one and a line in `COUNT_OUTPUTS`. The signature, photos.parquet and the
metrics that name it in `Metric.counts` then have it.
"""

import tensorflow as tf

from trainer.export.counts.boundary_counts import BOUNDARY_COUNTS
from trainer.export.counts.calibration_counts import CALIBRATION_COUNTS
from trainer.export.counts.confusion_counts import CONFUSION_COUNTS
from trainer.export.counts.predicted_photo import CountOutput, PredictedPhoto

COUNT_OUTPUTS: dict[str, CountOutput] = {
    output.name: output
    for output in (
        CONFUSION_COUNTS,
        BOUNDARY_COUNTS,
        CALIBRATION_COUNTS,
    )
}

PhotoCounts = dict[str, tf.Tensor]
"""int64 arrays by output of `evaluate`, see `photo_counts`."""


def counts_shapes(classes: int) -> dict[str, list[int]]:
    """Shapes of what `photo_counts` returns."""
    return {name: output.shape(classes) for name, output in COUNT_OUTPUTS.items()}


def photo_counts(
    labels: tf.Tensor, prediction: tf.Tensor, confidence: tf.Tensor, classes: int
) -> PhotoCounts:
    """Counts a photo's pixels; ignored ones count nowhere.

    Args:
        labels: uint8 [h, w], class ids; `CLASS_ID_IGNORED` is not counted.
        prediction: uint8 [h, w], class ids.
        confidence: float32 [h, w], probability of the predicted class.
        classes: Number of classes.

    Returns:
        Each of `COUNT_OUTPUTS` by name; `petseg.metrics.counting` says what they hold.
    """
    photo = PredictedPhoto(labels, prediction, confidence, classes)
    return {name: output.function(photo) for name, output in COUNT_OUTPUTS.items()}
