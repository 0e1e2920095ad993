"""What the Trainer node does: `run_fn`, from settings and transformed examples to a SavedModel."""

import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from trainer.errors import UserError
from trainer.feature_cache import training_inputs
from trainer.input import load_pairs
from trainer.loop import train
from trainer.model_card import model_card
from trainer.models import build_model
from trainer.precision import compute_dtype
from trainer.preprocessing import class_shares
from trainer.progress import LogProgress, logger, write_history
from trainer.settings import TrainingSettings
from trainer.signatures import export_model
from trainer.statistics import merged_statistics
from trainer.tensorboard import TensorBoard
from trainer.warm_start import warm_start

REFERENCE_PHOTOS = 8
"""Eval photos whose answers travel with the model, for ServingCheck."""


def run_fn(fn_args: Any) -> None:
    """Trains a model and exports it.

    Args:
        fn_args: TFX's `FnArgs`. Its `custom_config` has `training` (JSON of TrainingSettings), `statistics`
            (uri of the StatisticsGen artifact) and `checkpoints` (folder of this very training, removed at
            the end).

    Raises:
        UserError: Settings do not fit the data or the model that is started from, or the loss diverged.
    """
    config = fn_args.custom_config
    settings = _with_hyperparameters(
        TrainingSettings.model_validate_json(config["training"]), fn_args.hyperparameters
    )
    trainer, size = settings.trainer, settings.model.image_size
    weights = _class_weights(settings, fn_args.transform_output)
    train_pairs = load_pairs(fn_args.train_files, size, trainer.cache)
    eval_pairs = load_pairs(fn_args.eval_files, size, trainer.cache)
    dtype = compute_dtype(trainer.precision)
    model = build_model(settings, compute_dtype=dtype)
    if dtype != "float32":
        logger.info("trains in mixed precision: the network computes in %s", dtype)
    if fn_args.base_model:
        warm_start(model, fn_args.base_model, "the model in production")
    elif isinstance(trainer.warm_start, str):
        warm_start(model, trainer.warm_start, trainer.warm_start)
    batches, evaluation, trained_part = training_inputs(model, settings, train_pairs, eval_pairs)
    history = train(
        model,
        batches,
        evaluation,
        trainer,
        class_names=settings.classes.names,
        # Its weights would not be those of an unbroken run if it went on in another number type.
        checkpoints=os.path.join(config["checkpoints"], dtype),
        class_weights=weights,
        trained_part=trained_part,
        watchers=[
            LogProgress(trainer.epochs, batches.steps),
            TensorBoard(fn_args.model_run_dir, eval_pairs.first(trainer.preview_photos), settings.classes),
        ],
    )
    write_history(fn_args.model_run_dir, history)
    reference = eval_pairs.first(REFERENCE_PHOTOS)
    export_model(
        model if dtype == "float32" else _in_float32(model, settings),
        settings,
        fn_args.serving_model_dir,
        statistics=merged_statistics(config["statistics"]),
        reference_images=np.stack(reference.images),
        reference_names=reference.names,
        model_card=model_card(settings, history, len(train_pairs), len(eval_pairs)),
    )
    tf.io.gfile.rmtree(config["checkpoints"])


def _with_hyperparameters(
    settings: TrainingSettings, hyperparameters: dict[str, Any] | None
) -> TrainingSettings:
    """Lays a tuner's best values over the settings; they are named as in them, `trainer.learning_rate`."""
    tree = settings.model_dump(mode="json")
    for key, value in (hyperparameters or {}).get("values", {}).items():
        *parents, last = key.split(".")
        part = tree
        for parent in parents:
            part = part[parent]
        part[last] = value
    return TrainingSettings.model_validate(tree)


def _class_weights(settings: TrainingSettings, transform_output: str) -> list[float] | None:
    """One number a class for the cross entropy, or None for equal ones.

    From shares: inverse to the share, and such that the weight of the average pixel is 1. A class without a
    pixel has weight 0.
    """
    choice, classes = settings.trainer.class_weights, settings.classes
    if choice == "off":
        return None
    if choice == "shares":
        shares = class_shares(tft.TFTransformOutput(transform_output), classes)
        inverse = np.divide(1.0, shares, out=np.zeros(len(shares)), where=shares > 0)
        return [float(weight) for weight in inverse / np.count_nonzero(shares)]
    if len(choice) != len(classes):
        raise UserError(
            f"trainer.class_weights must have one number for each of the {len(classes)} classes; "
            f"received {len(choice)}"
        )
    return list(choice)


def _in_float32(model: keras.Model, settings: TrainingSettings) -> keras.Model:
    """The same network computing in float32, so that its answers do not depend on where it was trained."""
    exported = build_model(settings, load_encoder_weights=False)
    exported.set_weights(model.get_weights())
    return exported
