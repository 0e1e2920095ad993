"""The most probable class of each pixel at native resolution."""

import tensorflow as tf


def most_probable_at(probabilities: tf.Tensor, native_size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The most probable class at native resolution, to which the probabilities are resized bilinearly.

    Args:
        probabilities: float32 [h, w, classes].
        native_size: int32 [2], height and width in pixels.

    Returns:
        Class ids, uint8 [height, width], and their probabilities, float32 [height, width].
    """
    best = tf.image.resize(probabilities[..., :1], native_size)
    ids = tf.zeros_like(best, tf.uint8)
    # Class by class, which needs less memory than a large photo's probabilities of all classes.
    for index in range(1, probabilities.shape[-1]):
        other = tf.image.resize(probabilities[..., index : index + 1], native_size)
        ids = tf.where(other > best, tf.constant(index, tf.uint8), ids)
        best = tf.maximum(other, best)
    return ids[..., 0], best[..., 0]
