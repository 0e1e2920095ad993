"""Pixels by label and prediction."""

import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.metrics.counting import CONFUSION
from trainer.export.counts.predicted_photo import CountOutput, count_cells, label_prediction_pairs


def confusion_counts(labels: tf.Tensor, prediction: tf.Tensor, classes: int) -> tf.Tensor:
    """Counts pixels by label and prediction.

    Args:
        labels: uint8, class ids, of any shape; `CLASS_ID_IGNORED` is not counted.
        prediction: Class ids, integers of the same shape.
        classes: Number of classes.

    Returns:
        int64 [classes, classes], labels by prediction.
    """
    pairs = label_prediction_pairs(labels, prediction, classes)
    return tf.reshape(count_cells(pairs, labels == CLASS_ID_IGNORED, classes**2), [classes, classes])


CONFUSION_COUNTS = CountOutput(
    name=CONFUSION,
    shape=lambda classes: [classes, classes],
    function=lambda photo: tf.reduce_sum(photo.confusion_by_band, axis=[0, 1]),
)
