"""How photos are scaled before published weights see them, as the weights were trained."""

from __future__ import annotations

from trainer.lazy_imports import keras, layers

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


def to_plus_minus_one(photos: keras.KerasTensor) -> keras.KerasTensor:
    """RGB from 0 to 255 to RGB from -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32")(photos)


def to_centered_bgr(photos: keras.KerasTensor) -> keras.KerasTensor:
    """RGB from 0 to 255 to BGR without ImageNet's mean."""
    return layers.Rescaling(1.0, offset=[-mean for mean in IMAGENET_MEAN_BGR], dtype="float32")(
        keras.ops.flip(photos, axis=-1)
    )


def unchanged(photos: keras.KerasTensor) -> keras.KerasTensor:
    """RGB from 0 to 255, for networks that begin with a scaling of their own."""
    return photos
