"""The fit that keeps the photos' own pixels: the network sees windows of a photo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from trainer.data.geometry.kept_parts import KeptParts
from trainer.data.geometry.resizing import Size, resize_mask, resize_photo
from trainer.data.geometry.windows import Windows


@dataclass(frozen=True)
class Tiles:
    """How a photo is cut into windows.

    Attributes:
        windows: The windows; their size is that of the model's input.
        scale: Factor by which photos are scaled before; 1: their own pixels.
        interpolation: Method of `tf.image.resize` for photos.
    """

    windows: Windows
    scale: float
    interpolation: str

    @property
    def size(self) -> Size:
        """Height and width of the model's input in pixels."""
        return self.windows.size

    def prepare(self, photo: tf.Tensor) -> tf.Tensor:
        """The photo at model resolution: uint8 [h, w, 3] to uint8 [h', w', 3]."""
        if self.scale == 1:
            return photo
        return resize_photo(photo, self.scaled_size(tf.shape(photo)[:2]), self.interpolation)

    def prepare_mask(self, ids: tf.Tensor) -> tf.Tensor:
        """Labels at model resolution: class ids, uint8 [h, w] to [h', w']."""
        return ids if self.scale == 1 else resize_mask(ids, self.scaled_size(tf.shape(ids)))

    def scaled_size(self, native_size: tf.Tensor) -> tf.Tensor:
        """Height and width of a photo at model resolution, int32 [2]."""
        scaled = tf.cast(native_size, tf.float64) * self.scale
        return tf.maximum(tf.cast(tf.round(scaled), tf.int32), 1)

    def slide(
        self,
        photo: tf.Tensor,
        predict: Callable[[tf.Tensor], tf.Tensor],
        reduce: Callable[[tf.Tensor], Sequence[tf.Tensor]],
        dtypes: Sequence[tf.DType],
        *,
        at_once: int,
        result_sizes: Sequence[tf.Tensor | None] = (None,),
    ) -> list[list[tf.Tensor]]:
        """Predicts a photo window by window, a batch of them at a time.

        What is kept of a window is reduced at once, so that no array of all classes and the whole photo is
        ever made.

        Args:
            photo: uint8 [h', w', 3] at model resolution.
            predict: From windows, uint8 [n, H, W, 3], to probabilities, float32 [n, H, W, classes].
            reduce: From the kept parts of these, [n, h, w, classes], to tensors [n, h, w, ...].
            dtypes: Of the tensors that `reduce` returns.
            at_once: Windows in a batch, at most.
            result_sizes: Height and width in pixels of each result, int32 [2]: the probabilities of each
                window are resized to it bilinearly before they are reduced. None: model resolution.

        Returns:
            For each of `result_sizes` a list of tensors [height, width, ...], one for each of `dtypes`.
        """
        size = tf.shape(photo)[:2]
        results = [KeptParts(self.windows, size, size if one is None else one) for one in result_sizes]
        _, columns = self.windows.counts(size[0], size[1])

        def predict_batch(indices: tf.Tensor) -> list[list[tf.Tensor]]:
            rows_and_columns = indices // columns, indices % columns
            predicted = predict(self._cut(photo, *rows_and_columns))
            return [list(reduce(kept.cut(predicted, *rows_and_columns))) for kept in results]

        batches = _batches(results[0].number, at_once)
        parts = tf.map_fn(
            predict_batch,
            batches,
            fn_output_signature=[list(dtypes) for _ in results],
            parallel_iterations=1,
        )
        return [
            [kept.assemble(tf.reshape(each, tf.concat([[-1], tf.shape(each)[2:]], 0))) for each in of_result]
            for kept, of_result in zip(results, parts, strict=True)
        ]

    def _cut(self, photo: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        """Windows by their place in the grid, int32 [n] each: uint8 [n, H, W, 3]."""
        height, width = tf.unstack(tf.shape(photo)[:2])
        down = self.windows.positions(0, rows, height)
        across = self.windows.positions(1, columns, width)
        pixels = down[:, :, tf.newaxis] * width + across[:, tf.newaxis]
        return tf.ensure_shape(tf.gather(tf.reshape(photo, [-1, 3]), pixels), [None, *self.size, 3])


def _batches(count: tf.Tensor, at_once: int) -> tf.Tensor:
    """Indices from 0 to `count` in batches of about equal size, int32 [batches, n]; the last one fills up."""
    batches = (count + at_once - 1) // at_once
    size = (count + batches - 1) // batches
    return tf.reshape(tf.minimum(tf.range(batches * size), count - 1), [batches, size])
