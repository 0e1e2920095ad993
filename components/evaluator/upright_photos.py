"""Photos turned upright for models that would predict them sideways."""

import tensorflow as tf

from petseg.tf_exif import exif_orientation
from petseg.tf_photo import decode_photo

PHOTO_FEATURE = "image/encoded"


def with_upright_photo(record: bytes) -> bytes:
    """Replaces the photo of a serialized raw example by an upright one, without loss, where EXIF turns it."""
    example = tf.train.Example.FromString(record)
    photo = example.features.feature[PHOTO_FEATURE].bytes_list.value
    if _orientation(photo[0]) == 1:
        return record
    photo[0] = _upright_png(photo[0]).numpy()
    return example.SerializeToString()


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _orientation(image_bytes: tf.Tensor) -> tf.Tensor:
    return exif_orientation(image_bytes)


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _upright_png(image_bytes: tf.Tensor) -> tf.Tensor:
    return tf.io.encode_png(decode_photo(image_bytes))
