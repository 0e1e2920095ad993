"""Confusion counts and what is read from them."""

import numpy as np
import tensorflow as tf


def confusion_counts(truth: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Counts pixels by true and predicted class.

    Args:
        truth: uint8 [n, S, S], class ids; ids that are no class do not count.
        logits: float [n, S, S, classes].

    Returns:
        int64 [classes, classes], truth by prediction.
    """
    classes = logits.shape[-1]
    truth = tf.cast(truth, tf.int32)
    cells = truth * classes + tf.argmax(logits, axis=-1, output_type=tf.int32)
    # One cell more than there are pairs of classes takes the ignored pixels: cheaper than picking the others.
    cells = tf.where(truth < classes, cells, classes * classes)
    counts = tf.math.bincount(tf.reshape(cells, [-1]), minlength=classes**2 + 1, maxlength=classes**2 + 1)
    return tf.cast(tf.reshape(counts[:-1], [classes, classes]), tf.int64)


def class_iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        counts: int [classes, classes], truth by prediction.

    Returns:
        float64 [classes]; NaN for a class that is neither in the truth nor predicted.
    """
    intersection = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - intersection
    return np.divide(intersection, union, out=np.full(len(counts), np.nan), where=union > 0)


def mean_iou(counts: np.ndarray) -> float:
    """Mean of the classes' IoU, absent classes left out; 0 where no pixel counts at all."""
    iou = class_iou(counts)
    return float(np.nanmean(iou)) if counts.sum() else 0.0
