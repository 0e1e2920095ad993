"""The fits that show the network a whole photo: stretched to the input's size, or scaled and padded."""

from dataclasses import dataclass, replace
from typing import Literal

import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.geometry.resizing import Size, reflected, resize_mask, resize_photo


@dataclass(frozen=True)
class WholePhoto:
    """How a whole photo lies in the model's input.

    Attributes:
        fit: `stretch` resizes it to the input and loses the aspect. `pad` scales it until it fits; it lies in
            the middle, and its reflection fills the rest.
        size: H and W, height and width of the input in pixels.
        interpolation: Method of `tf.image.resize` for photos.

    Examples:
        >>> whole = WholePhoto("pad", size=(64, 64), interpolation="bilinear")
        >>> prepared = whole.prepare(tf.zeros([30, 60, 3], tf.uint8))
        >>> tuple(prepared.shape), tuple(whole.cut(prepared, tf.constant([30, 60])).shape)
        ((64, 64, 3), (32, 64, 3))
    """

    fit: Literal["stretch", "pad"]
    size: Size
    interpolation: str

    def enlarged(self, factor: float) -> "WholePhoto":
        """The same for a larger input, from which crops are taken."""
        height, width = (round(side * factor) for side in self.size)
        return replace(self, size=(height, width))

    def prepare(self, photo: tf.Tensor) -> tf.Tensor:
        """The model's input: uint8 [h, w, 3] or [n, h, w, 3] to uint8 [H, W, 3] or [n, H, W, 3]."""
        native_size = tf.shape(photo)[-3:-1]
        prepared = resize_photo(photo, self._photo_size(native_size), self.interpolation)
        if self.fit == "pad":
            first, photo_size = self._margins(native_size), self._photo_size(native_size)
            for axis in (0, 1):
                positions = tf.range(self.size[axis]) - first[axis]
                prepared = tf.gather(prepared, reflected(positions, photo_size[axis]), axis=axis - 3)
        return tf.ensure_shape(prepared, [*photo.shape[:-3], *self.size, 3])

    def prepare_mask(self, ids: tf.Tensor) -> tf.Tensor:
        """Labels for the input: class ids, uint8 [h, w] to [H, W]; `CLASS_ID_IGNORED` in the padding."""
        native_size = tf.shape(ids)
        prepared = resize_mask(ids, self._photo_size(native_size))
        if self.fit == "pad":
            first = self._margins(native_size)
            last = tf.constant(self.size) - self._photo_size(native_size) - first
            margins = tf.stack([first, last], axis=1)
            prepared = tf.pad(prepared, margins, constant_values=CLASS_ID_IGNORED)
        return tf.ensure_shape(prepared, self.size)

    def cut(self, prepared: tf.Tensor, native_size: tf.Tensor) -> tf.Tensor:
        """The part of the input, or of an output of its size, that shows the photo.

        Args:
            prepared: [..., H, W, channels].
            native_size: int32 [2], height and width of the photo.

        Returns:
            [..., h', w', channels]: without the padding.
        """
        if self.fit == "stretch":
            return prepared
        first, photo_size = self._margins(native_size), self._photo_size(native_size)
        end = first + photo_size
        return prepared[..., first[0] : end[0], first[1] : end[1], :]

    def _photo_size(self, native_size: tf.Tensor) -> tf.Tensor:
        """Height and width of the photo in the input, int32 [2]."""
        size = tf.constant(self.size)
        if self.fit == "stretch":
            return size
        # In float64, in which the side that fits becomes exactly the input's.
        native = tf.cast(native_size, tf.float64)
        scaled = native * tf.reduce_min(tf.cast(size, tf.float64) / native)
        return tf.clip_by_value(tf.cast(tf.round(scaled), tf.int32), 1, size)

    def _margins(self, native_size: tf.Tensor) -> tf.Tensor:
        """Rows above the photo and columns to its left, int32 [2]."""
        return (tf.constant(self.size) - self._photo_size(native_size)) // 2
