"""What `evaluate` counts of a photo at one size: pixels by class, by boundary band and by confidence."""

import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.metrics.counting import CONFIDENCE_BINS, CONFIDENCE_UNITS
from trainer.export.boundary_bands import band_radius, boundary_bands

PhotoCounts = dict[str, tf.Tensor]
"""int64 arrays by output of `evaluate`, see `photo_counts`."""


def counts_shapes(classes: int) -> dict[str, list[int]]:
    """Shapes of what `photo_counts` returns."""
    return {
        "counts": [classes, classes],
        "boundary": [classes, 2],
        "calibration": [CONFIDENCE_BINS, 3],
    }


def photo_counts(truth: tf.Tensor, prediction: tf.Tensor, confidence: tf.Tensor, classes: int) -> PhotoCounts:
    """Counts a photo's pixels; ignored ones count nowhere.

    Args:
        truth: uint8 [h, w], class ids; `CLASS_ID_IGNORED` is not counted.
        prediction: uint8 [h, w], class ids.
        confidence: float32 [h, w], the predicted class's probability.
        classes: number of classes.

    Returns:
        `counts`: [classes, classes], truth by prediction.
        `boundary`: [classes, 2]: pixels in both boundary bands of a class, the truth's and the prediction's,
            and pixels in at least one of them; see `boundary_bands`.
        `calibration`: [CONFIDENCE_BINS, 3]: in row i, with confidences in (i / bins, (i + 1) / bins], pixels,
            those whose class was found, and the sum of their confidences in 1 / CONFIDENCE_UNITS.
    """
    ignored = truth == CLASS_ID_IGNORED
    # Made equal where ignored, so that nothing predicted there moves the bands beside it.
    labelled = tf.where(ignored, truth, prediction)
    bands = boundary_bands(tf.stack([truth, labelled]), band_radius(tf.shape(truth)))
    pairs = tf.cast(truth, tf.int32) * classes + tf.cast(prediction, tf.int32)
    band_kinds = tf.cast(bands[0], tf.int32) + 2 * tf.cast(bands[1], tf.int32)
    by_band = _count(band_kinds * classes**2 + pairs, ignored, 4 * classes**2)
    by_band = tf.reshape(by_band, [2, 2, classes, classes])
    return {
        "counts": tf.reduce_sum(by_band, axis=[0, 1]),
        "boundary": _band_overlap(by_band),
        "calibration": _by_confidence(truth == prediction, confidence, ignored),
    }


def confusion_counts(truth: tf.Tensor, prediction: tf.Tensor, classes: int) -> tf.Tensor:
    """Counts pixels by truth and prediction.

    Args:
        truth: uint8, class ids, of any shape; `CLASS_ID_IGNORED` is not counted.
        prediction: class ids, integers of the same shape.
        classes: number of classes.

    Returns:
        int64 [classes, classes], truth by prediction.
    """
    pairs = tf.cast(truth, tf.int32) * classes + tf.cast(prediction, tf.int32)
    return tf.reshape(_count(pairs, truth == CLASS_ID_IGNORED, classes**2), [classes, classes])


def _band_overlap(by_band: tf.Tensor) -> tf.Tensor:
    """From pixels by (in the prediction's band, in the truth's band, truth, prediction) to [classes, 2]."""
    in_both = tf.linalg.diag_part(by_band[1, 1])
    in_truths = tf.reduce_sum(by_band[:, 1], axis=[0, 2])
    in_predictions = tf.reduce_sum(by_band[1], axis=[0, 1])
    return tf.stack([in_both, in_truths + in_predictions - in_both], axis=-1)


def _by_confidence(right: tf.Tensor, confidence: tf.Tensor, ignored: tf.Tensor) -> tf.Tensor:
    """Counts by bin of confidence, int64 [CONFIDENCE_BINS, 3]."""
    # A probability may come out of rounding a little above 1.
    upper = tf.cast(tf.math.ceil(confidence * CONFIDENCE_BINS), tf.int32)
    bins = tf.clip_by_value(upper - 1, 0, CONFIDENCE_BINS - 1)
    pixels = _count(2 * bins + tf.cast(right, tf.int32), ignored, 2 * CONFIDENCE_BINS)
    wrong_and_right = tf.reshape(pixels, [CONFIDENCE_BINS, 2])
    fixed_point = tf.cast(tf.round(confidence * CONFIDENCE_UNITS), tf.int64)
    sums = _count(bins, ignored, CONFIDENCE_BINS, fixed_point)
    return tf.stack([tf.reduce_sum(wrong_and_right, axis=1), wrong_and_right[:, 1], sums], axis=-1)


def _count(cells: tf.Tensor, ignored: tf.Tensor, number: int, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Pixels a cell, or the sum of their weights; int64 [number]."""
    # A cell beyond the last is dropped: cheaper than picking the pixels that count.
    kept = tf.reshape(tf.where(ignored, number, cells), [-1])
    weights = None if weights is None else tf.reshape(weights, [-1])
    counted = tf.math.bincount(kept, weights, minlength=number, maxlength=number)
    return tf.cast(counted, tf.int64)
