"""Pretraining of the autoencoder: it learns to reconstruct photos before it learns to segment them."""

import os
import time
from functools import partial

import keras
import tensorflow as tf
from keras import layers

from trainer.data.input import EpochBatches
from trainer.losses import Total
from trainer.settings import TrainerSettings
from trainer.training.callbacks import logger
from trainer.training.distribution import is_chief
from trainer.training.step import Training
from trainer.training.unfinished.checkpoints import Checkpoints


def pretrain(
    model: keras.Model,
    batches: EpochBatches,
    settings: TrainerSettings,
    checkpoints: str,
    strategy: tf.distribute.Strategy | None = None,
) -> list[float]:
    """Trains all layers but the last to reconstruct the photo, for `pretrain_epochs`.

    A layer of the same kind with one channel per color replaces the last one meanwhile. Masks are not used.

    Args:
        model: An autoencoder, which gets the pretrained weights.
        batches: The training examples.
        settings: Settings of the training. The schedule runs over the epochs of the pretraining.
        checkpoints: Folder of this training alone. The pretraining resumes from a checkpoint in it.
        strategy: See `Training`. Of several processes only the chief writes checkpoints.

    Returns:
        The mean squared error of each epoch, for photos scaled to -1 to 1.
    """
    settings = settings.model_copy(update={"epochs": settings.pretrain_epochs, "ema": 0.0})
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        network = _reconstructing(model)
    training = Training(network, settings, batches.steps, loss=reconstruction_error, strategy=strategy)
    saved = Checkpoints(os.path.join(checkpoints, "pretraining"), **training.variables())
    history = saved.restore()
    while len(history) < settings.epochs:
        started = time.monotonic()
        epoch = partial(_photos, batches, len(history))
        loss = training.train_epoch(epoch, lambda step, loss: None)
        history.append({"loss": loss})
        if is_chief(strategy):
            saved.save(history)
        logger.info(
            "pretraining epoch %d/%d: reconstruction error %.4f, %.0f s",
            len(history),
            settings.epochs,
            loss,
            time.monotonic() - started,
        )
    return [record["loss"] for record in history]


def reconstruction_error(photos: tf.Tensor, reconstructed: tf.Tensor, total: Total) -> tf.Tensor:
    """Mean squared error of photos, float [n, H, W, 3] from 0 to 255, reconstructed as -1 to 1."""
    squared = tf.math.squared_difference(tf.cast(reconstructed, tf.float32), photos / 127.5 - 1)
    summed, count = tf.unstack(total(tf.stack([tf.reduce_sum(squared), tf.size(squared, tf.float32)])), 2)
    return summed / count


def _photos(batches: EpochBatches, epoch: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
    return batches.epoch(epoch, context).map(lambda photos, masks: (photos, photos))


def _reconstructing(model: keras.Model) -> keras.Model:
    last = model.layers[-1]
    draw = layers.Conv2DTranspose(
        3, last.kernel_size, strides=last.strides, padding="same", dtype="float32", name="photo"
    )
    network = keras.Model(model.input, draw(last.input))
    network.dtype_policy = model.dtype_policy
    return network
