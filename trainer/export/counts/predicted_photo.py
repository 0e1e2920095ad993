"""A photo's labels and prediction, as the outputs of `evaluate` count them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.export.counts.boundary_bands import band_radius, boundary_bands


@dataclass(frozen=True)
class PredictedPhoto:
    """A photo at one resolution.

    Attributes:
        labels: uint8 [h, w], class ids; `CLASS_ID_IGNORED` is not counted.
        prediction: uint8 [h, w], class ids.
        confidence: float32 [h, w], probability of the predicted class.
        classes: Number of classes.
    """

    labels: tf.Tensor
    prediction: tf.Tensor
    confidence: tf.Tensor
    classes: int

    @cached_property
    def ignored(self) -> tf.Tensor:
        """Bool [h, w]."""
        return self.labels == CLASS_ID_IGNORED

    @cached_property
    def confusion_by_band(self) -> tf.Tensor:
        """int64 [2, 2, classes, classes].

        Pixels by: in the boundary band of the prediction, in that of the labels, label, prediction. Confusion
        and boundary counts are sums of it, so that the pixels are gone through once.
        """
        # Made equal where ignored, so that nothing predicted there moves the bands beside it.
        predicted = tf.where(self.ignored, self.labels, self.prediction)
        bands = boundary_bands(tf.stack([self.labels, predicted]), band_radius(tf.shape(self.labels)))
        pairs = label_prediction_pairs(self.labels, self.prediction, self.classes)
        band_kinds = tf.cast(bands[0], tf.int32) + 2 * tf.cast(bands[1], tf.int32)
        counted = count_cells(band_kinds * self.classes**2 + pairs, self.ignored, 4 * self.classes**2)
        return tf.reshape(counted, [2, 2, self.classes, self.classes])


@dataclass(frozen=True)
class CountOutput:
    """An output of the `evaluate` signature.

    Attributes:
        name: Of the output.
        shape: From the number of classes to the shape of one photo's array.
        function: Counts a photo, int64 of that shape. Counts are summed over photos, so they must be sums
            over pixels.
    """

    name: str
    shape: Callable[[int], list[int]]
    function: Callable[[PredictedPhoto], tf.Tensor]


def label_prediction_pairs(labels: tf.Tensor, prediction: tf.Tensor, classes: int) -> tf.Tensor:
    """int32 of the same shape: label times the number of classes, plus prediction."""
    return tf.cast(labels, tf.int32) * classes + tf.cast(prediction, tf.int32)


def count_cells(
    cells: tf.Tensor, ignored: tf.Tensor, number: int, weights: tf.Tensor | None = None
) -> tf.Tensor:
    """Counts pixels by cell, or sums their weights.

    Args:
        cells: int32 [...], the cell of each pixel, from 0.
        ignored: bool [...], pixels that are not counted.
        number: Number of cells.
        weights: int64 [...], or None to count.

    Returns:
        int64 [number].
    """
    # A cell beyond the last is dropped: cheaper than selecting the pixels that count.
    kept = tf.reshape(tf.where(ignored, number, cells), [-1])
    weights = None if weights is None else tf.reshape(weights, [-1])
    counted = tf.math.bincount(kept, weights, minlength=number, maxlength=number)
    return tf.cast(counted, tf.int64)
