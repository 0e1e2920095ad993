"""SegNet's unpooling layer."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("petseg")
class MaxUnpooling2D(layers.Layer):
    """Puts each value where the maximum of its 2 x 2 window was, and zeros elsewhere.

    The position is computed from the feature before the pooling: of equal maxima the first, row by row, as in
    pooling itself. It takes comparisons only, so the layer runs and exports on every backend.

    Inputs: float [n, h, w, channels], and the feature before the pooling, float [n, 2 h, 2 w, channels].
    Output: float [n, 2 h, 2 w, channels].
    """

    def call(self, inputs):  # noqa: D102
        values, before = inputs
        _, height, width, channels = before.shape
        # Slices of four dimensions: LiteRT has none of six.
        corners = [before[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        highest = ops.maximum(ops.maximum(*corners[:2]), ops.maximum(*corners[2:]))
        placed = []
        free = ops.ones_like(highest, dtype="bool")
        for corner in corners:
            wins = ops.logical_and(free, corner == highest)
            free = ops.logical_and(free, ops.logical_not(wins))
            placed.append(ops.where(wins, values, ops.zeros_like(values)))
        rows = [
            ops.reshape(ops.stack(pair, axis=3), (-1, height // 2, width, channels))
            for pair in (placed[:2], placed[2:])
        ]
        return ops.reshape(ops.stack(rows, axis=2), (-1, height, width, channels))

    def compute_output_shape(self, input_shape):  # noqa: D102
        return input_shape[1]
