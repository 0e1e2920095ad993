"""A JPEG's EXIF orientation, read by TensorFlow's own operations, so that a SavedModel obeys it anywhere.

The formats: ITU T.81 (JPEG) for the segments, CIPA DC-008 (Exif) for the segment that holds a TIFF block,
TIFF 6.0 for the directory in that block. Pillow finds the same orientation in the same bytes.
"""

import numpy as np
import tensorflow as tf

MOST_SEGMENTS = 1000
"""Steps after which the search ends: a file of nothing but padding must not keep a server busy."""

EXIF_SEGMENT = np.frombuffer(b"\xff\xe1..Exif\0\0", ">u2").astype(np.int32)
IS_LENGTH = np.array([False, True, False, False, False])
"""The first five words of a segment that holds EXIF; the second is its length."""

TIFF_HEADERS = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0")
"""Both byte orders; the last two are wrong, but readers let them pass."""

ORIENTATION_TAG = 0x0112
SHORT, LONG = 3, 4


def exif_orientation(image_bytes: tf.Tensor) -> tf.Tensor:
    """EXIF orientation of a photo; 1, upright, where it is no JPEG or its EXIF is missing or damaged.

    Args:
        image_bytes: string [], a file of any kind.

    Returns:
        int32 [], 1 to 8.
    """
    segment = _find_exif(image_bytes)
    return tf.cond(segment >= 0, lambda: _read_segment(image_bytes, segment), lambda: 1)


def _find_exif(content: tf.Tensor) -> tf.Tensor:
    """Position of a JPEG's first segment that holds EXIF, int32 []; below 0: there is none."""
    end = tf.strings.length(content)
    is_jpeg = tf.strings.substr(content, 0, 3) == b"\xff\xd8\xff"
    advances = tf.constant(_advances())

    def step(position: tf.Tensor) -> tuple[tf.Tensor]:
        words = _words(tf.strings.substr(content, position, 10), little_endian=False, count=5)
        is_exif = tf.reduce_all(tf.logical_or(words == EXIF_SEGMENT, IS_LENGTH))
        constant, with_length = tf.unstack(tf.gather(advances, tf.maximum(words[0] - 0xFEFF, 0)))
        following = position + constant + with_length * tf.maximum(words[1], 2)
        # The complement of what was found is below 0, as no position is, and ends the loop too.
        return (tf.where(is_exif, ~position, following),)

    (last,) = tf.while_loop(
        lambda position: tf.logical_and(position >= 0, position < end),
        step,
        # Behind the marker that begins the image.
        (tf.where(is_jpeg, 2, end),),
        parallel_iterations=1,
        maximum_iterations=MOST_SEGMENTS,
    )
    return ~last


def _advances() -> np.ndarray:
    """Bytes from a position to the next marker: a constant, and 1 where the segment's length is added to it.

    Returns:
        int32 [257, 2]. Row 0 is for a byte that begins no marker, row 1 + m for the marker 0xFF m.
    """
    advances = np.tile(np.array([2, 1], np.int32), (257, 1))
    # Junk between segments, and 0xFF that pads a marker.
    advances[[0, 1 + 0xFF]] = 1, 0
    # Escaped 0xFF, TEM, restart markers, start and end of image.
    advances[[1 + marker for marker in (0x00, 0x01, *range(0xD0, 0xDA))]] = 2, 0
    # Frame headers and the scan end the search: EXIF stands before them.
    frames = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
    advances[[1 + marker for marker in (*sorted(frames), 0xDA)]] = 2**30, 0
    return advances


def _read_segment(jpeg: tf.Tensor, segment: tf.Tensor) -> tf.Tensor:
    """Orientation in the EXIF segment at a position, int32 []."""
    (length,) = tf.unstack(_words(tf.strings.substr(jpeg, segment + 2, 2), little_endian=False, count=1))
    start = tf.minimum(segment + 10, tf.strings.length(jpeg))
    tiff = tf.strings.substr(jpeg, start, tf.maximum(length - 8, 0))
    orientation = tf.cond(
        tf.strings.substr(tiff, 0, 2) == b"II",
        lambda: _read_directory(tiff, little_endian=True),
        lambda: _read_directory(tiff, little_endian=False),
    )
    is_tiff = tf.reduce_any(tf.strings.substr(tiff, 0, 4) == TIFF_HEADERS)
    is_valid = tf.logical_and(orientation >= 1, orientation <= 8)
    return tf.where(tf.logical_and(is_tiff, is_valid), orientation, 1)


def _read_directory(tiff: tf.Tensor, little_endian: bool) -> tf.Tensor:
    """The last orientation in the first directory of a TIFF block, int32 [], any number; 1: there is none."""
    size = tf.strings.length(tiff)
    low, high = (0, 1) if little_endian else (1, 0)
    start = _words(tf.strings.substr(tiff, tf.minimum(4, size), 4), little_endian, count=2)
    start = tf.where(start[high] == 0, tf.minimum(start[low], size), size)
    (count,) = tf.unstack(_words(tf.strings.substr(tiff, start, 2), little_endian, count=1))
    content = tf.strings.substr(tiff, tf.minimum(start + 2, size), 12 * count)
    whole = tf.strings.substr(content, 0, tf.strings.length(content) // 12 * 12)
    # An entry: tag, type, number of values (two words), the value (two words).
    entries = tf.reshape(_words(whole, little_endian), [-1, 6])
    is_orientation = tf.logical_and(entries[:, 0] == ORIENTATION_TAG, entries[:, 2 + low] == 1)
    is_short, is_long = entries[:, 1] == SHORT, entries[:, 1] == LONG
    values = tf.where(is_short, entries[:, 4], entries[:, 4 + low] + 2**16 * entries[:, 4 + high])
    is_read = tf.logical_and(is_orientation, tf.logical_or(is_short, is_long))
    return tf.concat([[1], tf.boolean_mask(values, is_read)], axis=0)[-1]


def _words(content: tf.Tensor, little_endian: bool, count: int | None = None) -> tf.Tensor:
    """Words of two bytes, int32 [count]; what is missing at the end is 0. None: as many as there are."""
    words = tf.io.decode_raw(
        content, tf.uint16, little_endian=little_endian, fixed_length=None if count is None else 2 * count
    )
    return tf.ensure_shape(tf.cast(words, tf.int32), [count])
