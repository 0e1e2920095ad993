"""SegNet (Badrinarayanan et al. 2015): a decoder that unpools with the encoder's pooling indices."""

import keras
from keras import layers, ops

from trainer.models.blocks import convolve
from trainer.settings import ModelSettings

STRIDES_BEFORE_POOLING = (1, 2, 4, 8, 16)
TAPS = {
    "vgg19": ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4", "block5_conv4"),
    "plain": tuple(f"stage{stage}" for stage in range(5)),
}
"""The features right before each pooling, which say where each maximum came from."""

CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "plain": (2, 2, 2, 2, 2)}
"""Of each stage of the encoder; the decoder mirrors them."""


def build_segnet(
    features: list[keras.KerasTensor], classes: int, settings: ModelSettings
) -> keras.KerasTensor:
    """The encoder backwards: each value goes back to where its maximum was, and convolutions fill the gaps.

    Indices belong to the encoder's channels. So the last convolution of each stage has as many filters as the
    stage that is unpooled next, and `decoder_width` narrows the others.

    Args:
        features: float [n, S / stride, S / stride, channels] at strides 1, 2, 4, 8, 16, each before it is
            pooled.
        classes: number of classes.
        settings: `encoder`, and `decoder_width`, the decoder's filters as a share of the encoder's.

    Returns:
        Logits, float32 [n, S, S, classes].
    """
    x = layers.MaxPooling2D()(features[-1])
    for stage, convolutions in reversed(list(enumerate(CONVOLUTIONS[settings.encoder]))):
        x = MaxUnpooling2D()([x, features[stage]])
        filters = max(1, round(features[stage].shape[-1] * settings.decoder_width))
        for _ in range(convolutions - 1):
            x = convolve(x, filters)
        x = convolve(x, features[stage - 1].shape[-1] if stage else filters)
    x = layers.Dropout(settings.dropout)(x)
    return layers.Conv2D(classes, 1, dtype="float32", name="logits")(x)


@keras.saving.register_keras_serializable("petseg")
class MaxUnpooling2D(layers.Layer):
    """Puts each value where the maximum of its 2 x 2 window was; all else is zero.

    The place is found again from the feature before the pooling: of equal maxima the first of the window, row
    by row, as pooling itself has it. Comparisons alone, so that it runs and exports on every backend.

    Takes float [n, h, w, channels] and the feature before the pooling, float [n, 2 h, 2 w, channels]; gives
    float [n, 2 h, 2 w, channels].
    """

    def call(self, inputs):  # noqa: D102
        values, before = inputs
        _, height, width, channels = before.shape
        windows = ops.reshape(before, (-1, height // 2, 2, width // 2, 2, channels))
        corners = [windows[:, :, row, :, column] for row in (0, 1) for column in (0, 1)]
        highest = ops.maximum(ops.maximum(*corners[:2]), ops.maximum(*corners[2:]))
        placed = []
        free = ops.ones_like(highest, dtype="bool")
        for corner in corners:
            wins = ops.logical_and(free, corner == highest)
            free = ops.logical_and(free, ops.logical_not(wins))
            placed.append(ops.where(wins, values, ops.zeros_like(values)))
        rows = [ops.stack(placed[:2], axis=3), ops.stack(placed[2:], axis=3)]
        return ops.reshape(ops.stack(rows, axis=2), (-1, height, width, channels))

    def compute_output_shape(self, input_shape):  # noqa: D102
        return input_shape[1]
