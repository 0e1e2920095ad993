"""Photos decoded in TensorFlow: what Transform, the signatures and the reader of the data set share."""

from functools import partial

import tensorflow as tf

from petseg.tf_exif import exif_orientation

JPEG, BMP = b"\xff\xd8\xff", b"BM"
"""How the files begin."""


def decode_photo(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decodes a photo and turns it upright.

    Args:
        image_bytes: string []. JPEG, PNG, BMP or GIF, of which the first frame is taken. Gray, palette, CMYK
            and alpha pictures become RGB. A JPEG's EXIF orientation is obeyed, and its pixels are those of
            Pillow and other decoders that use libjpeg's default.

    Returns:
        uint8 [h, w, 3].

    Raises:
        tf.errors.InvalidArgumentError: when run, if the bytes are no such picture.
    """
    photo = decode_as_stored(image_bytes)
    orientation = exif_orientation(image_bytes)
    photo = tf.cond(orientation == 1, lambda: photo, lambda: turn_upright(photo, orientation))
    photo.set_shape([None, None, 3])
    return photo


def decode_as_stored(image_bytes: tf.Tensor) -> tf.Tensor:
    """`decode_photo` without EXIF."""
    decoders = (_decode_any, _decode_jpeg, _decode_bmp)
    photo = tf.switch_case(_kind(image_bytes), [partial(decode, image_bytes) for decode in decoders])
    photo.set_shape([None, None, 3])
    return photo


def decode_now(content: bytes) -> tf.Tensor:
    """`decode_as_stored` outside a graph, where one operation decodes; for a JPEG, a PNG or a GIF."""
    return _decode_jpeg(content) if content.startswith(JPEG) else _decode_any(content)


def decode_brightness(jpeg: tf.Tensor) -> tf.Tensor:
    """The brightness of a JPEG as stored, which the file has apart from its colors.

    It reads every bit of the file, so it fails where `decode_as_stored` does, but for files of 2**29 samples
    and more. Without the colors it takes two thirds of the time.

    Args:
        jpeg: string [].

    Returns:
        uint8 [h, w, 1].
    """
    return _decode_jpeg(jpeg, channels=1)


def _kind(image_bytes: tf.Tensor) -> tf.Tensor:
    """1: JPEG, 2: BMP, 0: anything else; int32 []."""
    starts = [tf.strings.substr(image_bytes, 0, len(magic)) == magic for magic in (JPEG, BMP)]
    return tf.reduce_sum(tf.where(starts, [1, 2], 0))


def turn_upright(photo: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """What a viewer that knows EXIF shows.

    Args:
        photo: [h, w, channels], as stored.
        orientation: int32 [], EXIF orientation, 1 to 8.

    Returns:
        [h, w, channels], or [w, h, channels] from orientation 5 on.
    """
    photo = tf.transpose(photo, tf.where(orientation >= 5, [1, 0, 2], [0, 1, 2]))
    mirrors_rows = tf.reduce_any(orientation == [3, 4, 7, 8])
    mirrors_columns = tf.reduce_any(orientation == [2, 3, 6, 7])
    return tf.reverse(photo, tf.boolean_mask([0, 1], [mirrors_rows, mirrors_columns]))


def _decode_any(image_bytes: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_image(image_bytes, channels=3, expand_animations=False)


def _decode_jpeg(image_bytes: tf.Tensor, channels: int = 3) -> tf.Tensor:
    # decode_image takes a faster and less accurate transform, which no other decoder takes: pixels would
    # differ by up to 5 from what a client sees.
    return tf.io.decode_jpeg(image_bytes, channels=channels, dct_method="INTEGER_ACCURATE")


def _decode_bmp(image_bytes: tf.Tensor) -> tf.Tensor:
    """uint8 [h, w, 3]. TensorFlow gives the palette's indices for the colors of an 8-bit BMP."""
    # decode_image with 3 channels refuses BMPs that have 1 or 4; those are asked for as they are.
    pixels = tf.io.decode_bmp(image_bytes)

    def look_up() -> tf.Tensor:
        header_bytes = tf.io.decode_raw(tf.strings.substr(image_bytes, 14, 4), tf.int32)[0]
        blue_green_red_0 = tf.io.decode_raw(tf.strings.substr(image_bytes, 14 + header_bytes, 1024), tf.uint8)
        palette = tf.reshape(blue_green_red_0, [-1, 4])[:, 2::-1]
        return tf.gather(palette, tf.cast(pixels[..., 0], tf.int32))

    return tf.cond(tf.shape(pixels)[2] == 1, look_up, lambda: pixels[..., :3])
