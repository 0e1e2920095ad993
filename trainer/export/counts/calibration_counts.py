"""Pixels by confidence, for the calibration error."""

import tensorflow as tf

from petseg.metrics.counting import CALIBRATION, CONFIDENCE_BINS, CONFIDENCE_UNITS
from trainer.export.counts.predicted_photo import CountOutput, PredictedPhoto, count_cells


def _by_confidence(photo: PredictedPhoto) -> tf.Tensor:
    """Pixels, correct pixels and the sum of confidences, int64 [CONFIDENCE_BINS, 3].

    Row i has the confidences in (i / CONFIDENCE_BINS, (i + 1) / CONFIDENCE_BINS].
    """
    # A probability may come out of rounding a little above 1.
    upper = tf.cast(tf.math.ceil(photo.confidence * CONFIDENCE_BINS), tf.int32)
    bins = tf.clip_by_value(upper - 1, 0, CONFIDENCE_BINS - 1)
    is_correct = tf.cast(photo.labels == photo.prediction, tf.int32)
    pixels = count_cells(2 * bins + is_correct, photo.ignored, 2 * CONFIDENCE_BINS)
    wrong_and_correct = tf.reshape(pixels, [CONFIDENCE_BINS, 2])
    fixed_point = tf.cast(tf.round(photo.confidence * CONFIDENCE_UNITS), tf.int64)
    sums = count_cells(bins, photo.ignored, CONFIDENCE_BINS, fixed_point)
    return tf.stack([tf.reduce_sum(wrong_and_correct, axis=1), wrong_and_correct[:, 1], sums], axis=-1)


CALIBRATION_COUNTS = CountOutput(
    name=CALIBRATION, shape=lambda _: [CONFIDENCE_BINS, 3], function=_by_confidence
)
