"""What a format's file offers, and what it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Runs an exported network: photos, float32 [n, height, width, 3] from 0 to 255, to logits, float32
[n, height, width, classes]."""


@dataclass(frozen=True)
class Network:
    """A trained network as an exported file holds it: from photos at model resolution to logits.

    Attributes:
        model: the Keras model.
        calibration: uint8 [n, height, width, 3], training photos from which a quantized format learns the
            ranges of its activations.
        description: what the file says of itself, text by name; see `describe`.
    """

    model: keras.Model
    calibration: NDArray[np.uint8]
    description: Mapping[str, str] = field(default_factory=dict)

    def function(self, batch_size: int | None) -> tf.types.experimental.GenericFunction:
        """The network as a function of `image`, float32 [batch_size, height, width, 3]; None: of any size."""
        height, width = self.model.input_shape[1:3]
        image = tf.TensorSpec([batch_size, height, width, 3], tf.float32, name="image")
        return tf.function(lambda image: self.model(image, training=False), input_signature=[image])

    def frozen(self) -> tf.types.experimental.ConcreteFunction:
        """The network for one photo, with its weights as constants.

        LiteRT's converter ends the process with an error of LLVM where it quantizes variables to int8
        (TensorFlow 2.16).
        """
        return convert_variables_to_constants_v2(self.function(batch_size=1).get_concrete_function())


@dataclass(frozen=True)
class ExportFormat:
    """How a network becomes a file for another runtime.

    Attributes:
        file_name: name of the file.
        runtime: package that runs it.
        script: name of the script that is written beside it; its template is `<script>.jinja` in this folder.
        convert: writes a network's file; returns names of operations that stay in float although the format
            is quantized.
        open: loads a file that `convert` wrote.
    """

    file_name: str
    runtime: str
    script: str
    convert: Callable[[Network, Path], list[str]]
    open: Callable[[Path], Run]
