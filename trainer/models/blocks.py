"""Building blocks of several networks."""

from __future__ import annotations

from trainer.lazy_imports import keras, layers

ENCODER_NAME = "encoder"
"""Name of the encoder layer in every network."""

BATCH_NORM_MOMENTUM = 0.9
"""Keras' default 0.99, and 0.999 in its MobileNetV2, forget the initial statistics only after thousands of
steps. On small data sets the network would be evaluated with statistics of untrained layers."""


def convolve(
    x: keras.KerasTensor, filters: int, kernel_size: int = 3, name: str | None = None, dilation: int = 1
) -> keras.KerasTensor:
    """Convolution, BatchNorm and ReLU that keep height and width.

    Args:
        x: float [n, h, w, channels].
        filters: channels of the result.
        kernel_size: side of the kernel in pixels.
        name: name of the ReLU, the last layer. The names of the others have a suffix.
        dilation: distance in pixels between the positions that the kernel covers.

    Returns:
        float [n, h, w, filters].
    """
    x = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name and f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=name and f"{name}_bn")(x)
    return layers.ReLU(name=name)(x)
