"""Fully convolutional networks (Long et al. 2014): FCN-32s, FCN-16s and FCN-8s."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from petseg.files.links import link_target
from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import BATCH_NORM_MOMENTUM
from trainer.models.settings import ModelSettings

log = logging.getLogger("petseg")

VGG19_POOLS = tuple(f"block{block}_pool" for block in range(1, 6))
"""The features that the paper takes from VGG: after the poolings, not before them."""

SCORES = {"fcn32s": 1, "fcn16s": 2, "fcn8s": 3}
"""How many features each network scores, counted from the coarsest."""

DROPOUT = 0.5
CLASSIFIER = {"fc1": "fc6", "fc2": "fc7"}
"""Names of the same layers in VGG19 of keras.applications and in the paper."""


class FCNSettings(ModelSettings):
    """Settings of the fully convolutional networks."""

    architecture: Literal["fcn32s", "fcn16s", "fcn8s"]
    fc_width: int = Field(
        512,
        ge=1,
        le=4096,
        description="Filters of the layers fc6 and fc7. With 4096 they take the weights of VGG19's fc1 and "
        "fc2 where the weights file has them.",
    )


def build_fcn(features: list[keras.KerasTensor], classes: int, settings: FCNSettings) -> keras.KerasTensor:
    """FCN-32s uses the scores at stride 32; FCN-16s adds those at stride 16, and FCN-8s those at stride 8.

    The scores of the coarsest feature are upsampled by 2, added to those of the next finer one, and so on.

    Keras' example of this network hardly trains. It applies ReLU to the scores and softmax before the
    upsampling, and its loss is the cross entropy of clipped probabilities, whose gradient is zero where they
    are clipped. VGG's features reach hundreds, so nearly all are. Here scores are linear, logits are
    upsampled, and the loss takes float32 logits. The skips are normalized, where the paper scales each pool
    of VGG by a constant (0.01 and 0.0001), and their scores start at zero: every FCN starts as an FCN-32s
    and learns what the skips add.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 2, 4, 8, 16, 32; finer ones than the
            architecture needs are not used.
        classes: number of classes.
        settings: `fc_width` is the number of filters of fc6 and fc7.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    *skips, x = features[-SCORES[settings.architecture] :]
    for name, kernel_size in (("fc6", 7), ("fc7", 1)):
        x = layers.Conv2D(
            settings.fc_width,
            kernel_size,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=name,
        )(x)
        x = layers.Dropout(DROPOUT)(x)
    scores = _score(x, classes, "glorot_uniform", "score_stride32")
    stride = 32
    for skip in reversed(skips):
        stride //= 2
        scores = layers.UpSampling2D(2, interpolation="bilinear", dtype="float32")(scores)
        normalised = layers.BatchNormalization(
            momentum=BATCH_NORM_MOMENTUM, center=False, scale=False, name=f"skip_stride{stride}"
        )(skip)
        scores = layers.Add(dtype="float32")(
            [scores, _score(normalised, classes, "zeros", f"score_stride{stride}")]
        )
    return layers.UpSampling2D(stride, interpolation="bilinear", dtype="float32", name="logits")(scores)


def _score(x: keras.KerasTensor, classes: int, initializer: str, name: str) -> keras.KerasTensor:
    return layers.Conv2D(classes, 1, kernel_initializer=initializer, dtype="float32", name=name)(x)


def load_classifier(model: keras.Model, settings: FCNSettings) -> None:
    """Gives fc6 and fc7 the classifier's weights and biases, where the encoder's weights file has them.

    A Dense layer on a flattened feature is a convolution with a kernel of the feature's size (section 3.1 of
    the paper), so the weights are the same numbers. If the shapes differ (`fc_width` is not the classifier's)
    or the file has no classifier, the layers keep their random weights, and a log line says so.

    Args:
        model: a network with layers `fc6` and `fc7`.
        settings: `encoder_weights` names the file.
    """
    path = Path(link_target(settings.encoder_weights or ""))
    if not path.is_file():
        return
    for name, layer in ((name, model.get_layer(of_fcn)) for name, of_fcn in CLASSIFIER.items()):
        stored = _stored_weights(path, name)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if [weight.size for weight in stored] == [int(np.prod(shape)) for shape in shapes]:
            layer.set_weights([weight.reshape(shape) for weight, shape in zip(stored, shapes, strict=True)])
            log.info("%s takes the weights of %s in %s", layer.name, name, path.name)
        elif stored:
            log.info(
                "%s starts with random weights: %s in %s has %d filters, model.fc_width is %d",
                layer.name,
                name,
                path.name,
                stored[-1].size,
                settings.fc_width,
            )


def _stored_weights(path: Path, layer: str) -> list[np.ndarray]:
    """Kernel and bias of a layer in an HDF5 file of Keras; empty if the file has no such layer."""
    import h5py

    with h5py.File(path) as file:
        group = file.get("model_weights", file).get(layer)
        return [] if group is None else [group[name][()] for name in group.attrs["weight_names"]]


ARCHITECTURE = Architecture(FCNSettings, build_fcn, {"vgg19": VGG19_POOLS}, load_weights=load_classifier)
