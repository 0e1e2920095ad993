"""Starts a training from the weights of an earlier one."""

import os
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from petseg.errors import UserError
from petseg.saved_model import EXTRA_FOLDER, SETTINGS_FILE
from trainer.export.export_model import load_trained


def warm_start(model: keras.Model, directory: str, source: str) -> None:
    """Gives a model the weights of an exported model, or the best ones of an unfinished training.

    Args:
        model: The network to train.
        directory: A SavedModel that `export_model` wrote, or the checkpoints of an unfinished training of the
            same network.
        source: Name of the folder in errors.

    Raises:
        UserError: The folder holds neither, or weights of another network.
    """
    if tf.io.gfile.exists(os.path.join(directory, EXTRA_FOLDER, SETTINGS_FILE)):
        trained, settings = load_trained(directory)
        weights = trained.get_weights()
        source = f"{source} ({settings.model.architecture} on {settings.model.encoder})"
    elif tf.train.latest_checkpoint(directory):
        weights = _best_of_checkpoint(directory)
    else:
        raise UserError(
            f"trainer.warm_start: {source} is neither a SavedModel of this pipeline nor a folder with a "
            "checkpoint; set true, false, serving_model/<version> or a folder that holds `checkpoint`"
        )
    _check_shapes(model, weights, source)
    model.set_weights(weights)


def _check_shapes(model: keras.Model, weights: Sequence[np.ndarray], source: str) -> None:
    remedy = "keep the same model and classes, or set trainer.warm_start to false"
    for weight, stored in zip(model.weights, weights, strict=False):
        if tuple(weight.shape) != stored.shape:
            raise UserError(
                f"trainer.warm_start: {weight.path} has shape {tuple(weight.shape)}, but {stored.shape} in "
                f"{source}; {remedy}"
            )
    if len(model.weights) != len(weights):
        raise UserError(
            f"trainer.warm_start: {source} has {len(weights)} weights, the new model {len(model.weights)}; "
            f"{remedy}"
        )


def _best_of_checkpoint(directory: str) -> list[np.ndarray]:
    reader = tf.train.load_checkpoint(directory)
    count = sum(key.startswith("best/") for key in reader.get_variable_to_shape_map())
    return [reader.get_tensor(f"best/{index}/.ATTRIBUTES/VARIABLE_VALUE") for index in range(count)]
