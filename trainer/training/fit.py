"""Builds and trains a network: once for Trainer, once per trial for Tuner."""

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from petseg.errors import UserError
from petseg.files.links import link_target
from trainer.data.examples import Examples, training_batches
from trainer.data.feature_cache import training_inputs
from trainer.data.preprocessing import class_shares
from trainer.models import assemble_model, auxiliary_loss, build_model
from trainer.settings import TrainingSettings
from trainer.training.callbacks import Callback, LogProgress, logger
from trainer.training.distribution import for_replicas, is_chief, synchronize_batch_norm
from trainer.training.loop import train
from trainer.training.precision import compute_dtype
from trainer.training.pretraining import pretrain
from trainer.training.warm_start import warm_start


def fit(
    settings: TrainingSettings,
    train_pairs: Examples,
    eval_pairs: Examples,
    *,
    transform_output: str,
    checkpoints: str,
    strategy: tf.distribute.Strategy,
    production_model: str | None = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[keras.Model, list[dict[str, Any]]]:
    """Builds a network, trains it, and returns it with its best weights.

    Args:
        settings: Settings of the network and of the training.
        train_pairs: Training examples.
        eval_pairs: Examples to evaluate on after each epoch.
        transform_output: Transform's graph, for the classes' pixel shares.
        checkpoints: Folder of this training alone. The training resumes from a checkpoint in it.
        strategy: What `make_strategy` made for `trainer.distribution`.
        production_model: SavedModel to start from, or None.
        callbacks: Called during the training, besides the log. Only given in the process that writes.

    Returns:
        The network, on one device and in float32 wherever it was trained, and the history of `train`.

    Raises:
        UserError: The settings do not fit the data or the model to start from, or the loss diverged.
    """
    replicas = strategy.num_replicas_in_sync
    trainer = for_replicas(settings.trainer, replicas)
    settings = settings.model_copy(update={"trainer": trainer})
    class_weights = _class_weights(settings, transform_output)
    dtype = compute_dtype(trainer.precision)
    # A training that resumed in another number type or order would end with other weights.
    checkpoints = os.path.join(checkpoints, dtype, *filter(None, [train_pairs.order]))
    keras.utils.set_random_seed(trainer.seed)
    with strategy.scope():
        model = assemble_model(settings, compute_dtype=dtype)
    if replicas > 1:
        synchronize_batch_norm(model)
        logger.info("training on %d replicas, %d examples per step", replicas, trainer.batch_size)
    if dtype != "float32":
        logger.info("training in mixed precision: the network computes in %s", dtype)
    frozen_and_random = settings.model.freeze_encoder and not settings.model.encoder_weights
    if trainer.warm_start is True and frozen_and_random and not production_model:
        raise UserError(
            "model.freeze_encoder: there is no model in production to take the encoder's weights from; give "
            "model.encoder_weights"
        )
    if production_model:
        warm_start(model, production_model, "the model in production")
    elif isinstance(trainer.warm_start, str):
        # A local run gives a link, which says nothing to a person.
        warm_start(model, trainer.warm_start, link_target(trainer.warm_start))
    if trainer.pretrain_epochs:
        photos = training_batches(train_pairs, trainer, replicas, settings.model.input_size)
        pretrain(model, photos, trainer, checkpoints, strategy)
    auxiliary = auxiliary_loss(model, settings)
    batches, evaluation, trained_part = training_inputs(
        model, settings, train_pairs, eval_pairs, replicas, whole_network=auxiliary is not None
    )
    if is_chief(strategy):
        callbacks = [LogProgress(trainer.epochs, batches.steps), *callbacks]
    history = train(
        model,
        batches,
        evaluation,
        trainer,
        class_names=settings.classes.names,
        checkpoints=checkpoints,
        class_weights=class_weights,
        trained_part=trained_part,
        auxiliary=auxiliary,
        callbacks=callbacks,
        strategy=strategy,
    )
    if dtype == "float32" and strategy is tf.distribute.get_strategy():
        return model, history
    return _on_one_device(model, settings), history


def _class_weights(settings: TrainingSettings, transform_output: str) -> list[float] | None:
    """One weight per class for the cross entropy, or None if all are equal.

    `shares`: inverse to the share of the class, scaled so that the weight of the average pixel is 1. A class
    without pixels has weight 0.
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


def _on_one_device(model: keras.Model, settings: TrainingSettings) -> keras.Model:
    """The same network in float32, so that its predictions do not depend on where it was trained."""
    exported = build_model(settings, load_encoder_weights=False)
    exported.set_weights(model.get_weights())
    return exported
