"""The parts of windows' predictions that are kept, and how they make up a photo."""

import tensorflow as tf

from trainer.data.geometry.windows import Windows


class KeptParts:
    """What is kept of each window of a photo, at model resolution or resized to native resolution.

    Every pixel of the result belongs to the window in whose inner part its center lies. All parts have the
    same size; where they have pixels that belong to other windows, these are dropped.

    Args:
        windows: The grid of windows.
        size: int32 [2], height and width of the photo at model resolution.
        result_size: int32 [2], height and width of the result.

    Attributes:
        number: int32 [], how many windows there are.
    """

    def __init__(self, windows: Windows, size: tf.Tensor, result_size: tf.Tensor):
        self._windows = windows
        self._resized = result_size is not size
        self._counts = windows.counts(size[0], size[1])
        self.number = self._counts[0] * self._counts[1]
        self._axes = [
            _Axis(windows.inner_size[axis], self._counts[axis], size[axis], result_size[axis])
            for axis in (0, 1)
        ]

    def cut(self, predicted: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        """The kept parts of windows.

        Args:
            predicted: float32 [n, H, W, channels].
            rows: int32 [n], rows of the windows in the grid.
            columns: int32 [n].

        Returns:
            float32 [n, h, w, channels].
        """
        margin, (inner_height, inner_width) = self._windows.margin, self._windows.inner_size
        if not self._resized:
            return predicted[:, margin : margin + inner_height, margin : margin + inner_width]
        (top, bottom), (left, right) = (
            axis.ends(indices, margin) for axis, indices in zip(self._axes, (rows, columns), strict=True)
        )
        height, width = (side - 1 for side in self._windows.size)
        boxes = tf.stack([top / height, left / width, bottom / height, right / width], axis=1)
        return tf.image.crop_and_resize(
            predicted,
            tf.cast(boxes, tf.float32),
            tf.range(tf.size(rows)),
            tf.stack([axis.part for axis in self._axes]),
        )

    def assemble(self, parts: tf.Tensor) -> tf.Tensor:
        """Puts parts side by side.

        Args:
            parts: [n, h, w, ...], row by row; what follows the last window is dropped.

        Returns:
            [height, width, ...].
        """
        rows, columns = self._counts
        height, width, rest = *(axis.part for axis in self._axes), tf.shape(parts)[3:]
        grid = tf.reshape(parts[: self.number], tf.concat([[rows, columns, height, width], rest], axis=0))
        order = [0, 2, 1, 3, *range(4, parts.shape.rank + 1)]
        whole = tf.reshape(
            tf.transpose(grid, order), tf.concat([[rows * height, columns * width], rest], axis=0)
        )
        for axis, kept in enumerate(self._axes):
            whole = tf.gather(whole, kept.pixels, axis=axis)
        return whole


class _Axis:
    """Rows or columns of the result, and the windows to which they belong.

    Attributes:
        part: int32 [], length of a part in pixels.
        pixels: int32 [length of the result], where each of its pixels is when the parts lie side by side.
    """

    def __init__(self, inner: int, count: tf.Tensor, length: tf.Tensor, result_length: tf.Tensor):
        self._step = tf.cast(length, tf.float64) / tf.cast(result_length, tf.float64)
        self._inner = inner
        pixels = tf.range(result_length)
        window = tf.cast(tf.floor(self._center(pixels) / inner), tf.int32)
        self._first = tf.searchsorted(window, tf.range(count))
        longest = tf.reduce_max(tf.concat([self._first[1:], [result_length]], axis=0) - self._first)
        # Where nothing is resized, windows are cut to the whole inner part, also in a photo that is smaller.
        self.part = tf.where(length == result_length, inner, longest)
        self.pixels = window * self.part + pixels - tf.gather(self._first, window)

    def ends(self, indices: tf.Tensor, margin: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Where in their windows the first and the last pixel of parts lie, float64 [n] each."""
        first = tf.gather(self._first, indices)
        origin = tf.cast(indices * self._inner - margin, tf.float64) + 0.5
        return self._center(first) - origin, self._center(first + self.part - 1) - origin

    def _center(self, pixels: tf.Tensor) -> tf.Tensor:
        """The centers of the result's pixels at model resolution, float64."""
        return (tf.cast(pixels, tf.float64) + 0.5) * self._step
