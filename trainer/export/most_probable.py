"""The most probable class of each pixel at native resolution, in memory that classes do not multiply."""

import tensorflow as tf

FEW_CLASSES = 8
"""Up to here whole photos of single classes are compared, which is fastest."""

STRIP_BYTES = 16 * 2**20
"""Size of the probabilities that are resized at once where there are more classes."""

ROUNDING = 1e-5
"""More than what float32 makes of the sum of four weighted probabilities, as a share of it."""


def most_probable_at(probabilities: tf.Tensor, native_size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The most probable class at native resolution, to which the probabilities are resized bilinearly.

    Args:
        probabilities: float32 [h, w, classes].
        native_size: int32 [2], height and width in pixels.

    Returns:
        Class ids, uint8 [height, width], and their probabilities, float32 [height, width].
    """
    if probabilities.shape[-1] <= FEW_CLASSES:
        return _class_by_class(probabilities, native_size)
    return in_strips(probabilities, native_size)


def _class_by_class(probabilities: tf.Tensor, native_size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    best = tf.image.resize(probabilities[..., :1], native_size)
    ids = tf.zeros_like(best, tf.uint8)
    for index in range(1, probabilities.shape[-1]):
        # TensorFlow resizes all classes at the same time, so that the photo's memory grows with them.
        other = tf.image.resize(probabilities[..., index : index + 1], native_size)
        ids = tf.where(other > best, tf.constant(index, tf.uint8), ids)
        best = tf.maximum(other, best)
    return ids[..., 0], best[..., 0]


def in_strips(
    probabilities: tf.Tensor, native_size: tf.Tensor, strip_bytes: int = STRIP_BYTES
) -> tuple[tf.Tensor, tf.Tensor]:
    """The same as `most_probable_at`, to the bit, one strip of rows after the other.

    In each strip only the classes are resized that can be the most probable somewhere in it. A resized value
    lies between the smallest and the largest of the four that it is made of. So a class whose largest is
    below another class's smallest is left out: of 150 classes, a few stay.

    Args:
        probabilities: float32 [h, w, classes], 0 or more.
        native_size: int32 [2], height and width in pixels.
        strip_bytes: Size of a strip's probabilities if no class is left out. It has at least one row.

    Returns:
        Class ids, uint8 [height, width], and their probabilities, float32 [height, width].
    """
    classes = probabilities.shape[-1]
    height, width = native_size[0], native_size[1]
    rows = tf.maximum(strip_bytes // (4 * classes) // width, 1)
    strips = (height + rows - 1) // rows
    above, below, weight = _neighbors(height, tf.shape(probabilities)[0])
    can_win = _can_win(probabilities)

    def strip(index: tf.Tensor, ids: tf.TensorArray, best: tf.TensorArray) -> tuple[tf.Tensor, ...]:
        here = slice(index * rows, tf.minimum((index + 1) * rows, height))
        first, last = above[here][0], below[here][-1]
        kept = tf.where(tf.reduce_any(can_win[first : last + 1], axis=0))[:, 0]
        given = tf.gather(probabilities[first : last + 1], kept, axis=-1)
        # As tf.image.resize does it: first along the rows, then between two of them.
        wide = tf.image.resize(given, tf.stack([last + 1 - first, width]))
        upper, lower = tf.gather(wide, above[here] - first), tf.gather(wide, below[here] - first)
        values = upper + (lower - upper) * weight[here][:, tf.newaxis, tf.newaxis]
        winners = tf.gather(tf.cast(kept, tf.uint8), tf.argmax(values, axis=-1, output_type=tf.int32))
        return index + 1, ids.write(index, winners), best.write(index, tf.reduce_max(values, axis=-1))

    _, ids, best = tf.while_loop(
        lambda index, *_: index < strips,
        strip,
        (0, _rows_array(tf.uint8, strips), _rows_array(tf.float32, strips)),
        parallel_iterations=1,
    )
    return tf.ensure_shape(ids.concat(), [None, None]), tf.ensure_shape(best.concat(), [None, None])


def _rows_array(dtype: tf.DType, strips: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(dtype, strips, element_shape=[None, None], infer_shape=False)


def _neighbors(size: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The two given rows that each new row lies between, int32 [size], and the second's weight, float32.

    The same float32 arithmetic as in TensorFlow's ResizeBilinear with half-pixel centers.
    """
    scale = tf.cast(given, tf.float32) / tf.cast(size, tf.float32)
    position = (tf.range(tf.cast(size, tf.float32)) + 0.5) * scale - 0.5
    whole = tf.floor(position)
    above = tf.maximum(tf.cast(whole, tf.int32), 0)
    below = tf.minimum(tf.cast(tf.math.ceil(position), tf.int32), given - 1)
    return above, below, position - whole


def _can_win(probabilities: tf.Tensor) -> tf.Tensor:
    """Classes that can be the most probable somewhere between a row and the next, bool [h, classes]."""
    below = tf.concat([probabilities[1:], probabilities[-1:]], axis=0)
    most, least = tf.maximum(probabilities, below), tf.minimum(probabilities, below)
    largest = tf.maximum(most, tf.concat([most[:, 1:], most[:, -1:]], axis=1))
    smallest = tf.minimum(least, tf.concat([least[:, 1:], least[:, -1:]], axis=1))
    certain = tf.reduce_max(smallest, axis=-1, keepdims=True)
    return tf.reduce_any(largest * (1 + ROUNDING) >= certain, axis=1)
