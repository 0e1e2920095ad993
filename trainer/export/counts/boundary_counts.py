"""Pixels in the boundary bands of each class, for boundary IoU."""

import tensorflow as tf

from petseg.metrics.counting import BOUNDARY
from trainer.export.counts.predicted_photo import CountOutput, PredictedPhoto


def _band_overlaps(photo: PredictedPhoto) -> tf.Tensor:
    """Pixels in both bands of a class and in at least one of them, int64 [classes, 2]."""
    by_band = photo.confusion_by_band
    in_both = tf.linalg.diag_part(by_band[1, 1])
    in_labels = tf.reduce_sum(by_band[:, 1], axis=[0, 2])
    in_prediction = tf.reduce_sum(by_band[1], axis=[0, 1])
    return tf.stack([in_both, in_labels + in_prediction - in_both], axis=-1)


BOUNDARY_COUNTS = CountOutput(name=BOUNDARY, shape=lambda classes: [classes, 2], function=_band_overlaps)
