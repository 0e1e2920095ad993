"""Steps and evaluation of a training on one device or many, and the state that a checkpoint holds."""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.data.input import EvaluationBatches
from trainer.export.counts.confusion_counts import confusion_counts
from trainer.losses import AuxiliaryLoss, segmentation_loss
from trainer.models.blocks import ENCODER_NAME
from trainer.settings import TrainerSettings
from trainer.training.callbacks import SECONDS_BETWEEN_RECORDS
from trainer.training.gradients import clipped, overflowing_together, replica_total, replica_zeros
from trainer.training.optimizer import LayerwiseAdamW
from trainer.training.schedules import WarmUpSchedule

Loss = Callable[..., tf.Tensor]


class Training:
    """A model, its optimizer, its moving average and its best weights so far.

    Args:
        model: From photos, float32 [n, H, W, 3] (0 to 255), to logits [n, H, W, classes]. A layer named
            `encoder` has its own learning rate. If the model computes in float16, its loss is scaled.
        settings: Settings of the training.
        steps_per_epoch: Batches per epoch.
        class_weights: One number per class, or None if all are equal.
        trained_part: Part of the model that takes the batches, if these are not photos but the features of
            the frozen part.
        loss: From labels, output and a sum over replicas to a number; None: the segmentation loss of the
            settings.
        auxiliary: Auxiliary loss that is added. Not supported together with `trained_part`.
        strategy: Strategy in whose scope the model was built; None: one device.
    """

    def __init__(
        self,
        model: keras.Model,
        settings: TrainerSettings,
        steps_per_epoch: int,
        class_weights: Sequence[float] | None = None,
        trained_part: keras.Model | None = None,
        loss: Loss | None = None,
        auxiliary: AuxiliaryLoss | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.model = model
        self._network = trained_part or model
        self._settings = settings
        self._strategy = strategy or tf.distribute.get_strategy()
        self._loss = loss or partial(
            segmentation_loss,
            weights=settings.losses,
            class_weights=class_weights,
            label_smoothing=settings.label_smoothing,
            focal_gamma=settings.focal_gamma,
        )
        self._auxiliary = auxiliary
        self._waiting_batches = 0
        self._observed = model
        if auxiliary:
            self._observed = keras.Model(model.input, [model.output, *auxiliary.outputs])
        self._trained, factors = _trained_variables(model, settings.encoder_learning_rate_factor)
        self._accumulated = min(settings.gradient_accumulation, steps_per_epoch)
        self._updates = steps_per_epoch // self._accumulated
        self._schedule = WarmUpSchedule(
            peak=settings.learning_rate,
            warmup_steps=round(settings.warmup_epochs * self._updates),
            total_steps=settings.epochs * self._updates,
            shape=settings.schedule,
        )
        with self._strategy.scope():
            self.optimizer = LayerwiseAdamW(self._schedule, settings.weight_decay, self._trained, factors)
            if model.compute_dtype == "float16":
                self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
                self.optimizer.build(self._trained)
            self._average = _copies(model) if settings.ema else []
            self._gradients = replica_zeros(self._trained) if self._accumulated > 1 else []
        with tf.device("CPU:0"):
            self._best = _copies(model)
        self._train_step = tf.function(self._train_step_eagerly, reduce_retracing=True)
        self._accumulate_step = tf.function(self._accumulate_step_eagerly, reduce_retracing=True)
        self._update_step = tf.function(self._update_step_eagerly)
        self._count_step = tf.function(self._count_step_eagerly, reduce_retracing=True)

    def variables(self) -> dict[str, list[tf.Variable]]:
        """The state that a checkpoint must hold, including the random state of dropout."""
        return {
            "model": [variable.value for variable in self.model.variables],
            "optimizer": [variable.value for variable in self.optimizer.variables],
            "average": self._average,
            "best": self._best,
        }

    @property
    def learning_rate(self) -> float:
        """Learning rate of the last step."""
        return float(keras.ops.convert_to_numpy(self._schedule(self.optimizer.iterations - 1)))

    def train_epoch(
        self,
        batches: Callable[[tf.distribute.InputContext], tf.data.Dataset],
        on_step: Callable[[int, float], None],
    ) -> float:
        """Trains on all batches once, except for those left over that are too few for an update.

        Args:
            batches: Makes (images, masks) for the replicas of one process, see `TrainingBatches.epoch`.
            on_step: Called from time to time with the step, from 1, and the mean loss so far.

        Returns:
            Mean loss of the epoch.

        Raises:
            FloatingPointError: The loss is NaN or infinite; the argument is the step.
        """
        losses: list[float] = []
        waiting: list[tf.Tensor] = []
        reported = time.monotonic()
        distributed = self._strategy.distribute_datasets_from_function(batches)
        for inputs, masks in itertools.islice(distributed, self._updates * self._accumulated):
            waiting.append(self._step(inputs, masks))
            # Reading a loss makes the host wait for the device, so losses are read in groups.
            if time.monotonic() - reported > SECONDS_BETWEEN_RECORDS:
                losses += _finite(waiting, len(losses))
                waiting = []
                on_step(len(losses), float(np.mean(losses)))
                reported = time.monotonic()
        losses += _finite(waiting, len(losses))
        return float(np.mean(losses))

    def use_average(self) -> Callable[[], None]:
        """Gives the model its moving average, if any. The returned function restores the live weights."""
        if not self._average:
            return lambda: None
        live = [keras.ops.convert_to_numpy(weight) for weight in self.model.weights]
        _assign(self.model, self._average)
        return lambda: _assign(self.model, live)

    def evaluate(self, batches: EvaluationBatches) -> tuple[np.ndarray, float]:
        """Evaluates the model.

        Returns:
            Confusion counts, int64 [classes, classes], labels by prediction; and the loss without the
            auxiliary one, the mean of the batches weighted by their pixels.
        """
        distributed = self._strategy.distribute_datasets_from_function(batches)
        counted = [self._count_step(inputs, masks) for inputs, masks in distributed]
        counts = np.stack([counts.numpy() for counts, _ in counted])
        losses = np.array([loss.numpy() for _, loss in counted])
        pixels = counts.sum(axis=(1, 2))
        return counts.sum(axis=0), float(np.sum(losses * pixels) / max(pixels.sum(), 1))

    def keep_as_best(self) -> None:
        """Keeps the model's weights as the best so far."""
        for best, weight in zip(self._best, self.model.weights, strict=True):
            best.assign(weight.value)

    def use_best(self) -> None:
        """Gives the model its best weights."""
        _assign(self.model, self._best)

    def _step(self, inputs: Any, labels: tf.Tensor) -> tf.Tensor:
        """Trains on a batch and returns its loss; with accumulation, the last of a group updates weights."""
        if self._accumulated == 1:
            return self._train_step(inputs, labels)
        loss = self._accumulate_step(inputs, labels)
        self._waiting_batches += 1
        if self._waiting_batches == self._accumulated:
            self._update_step()
            self._waiting_batches = 0
        return loss

    def _train_step_eagerly(self, inputs: Any, labels: tf.Tensor) -> tf.Tensor:
        def step(inputs: Any, labels: tf.Tensor) -> tf.Tensor:
            loss, gradients = self._replica_gradients(inputs, labels)
            self._apply(gradients)
            return loss

        losses = self._strategy.run(step, args=(inputs, labels))
        if self._average:
            self._update_average()
        return self._mean_over_replicas(losses)

    def _accumulate_step_eagerly(self, inputs: Any, labels: tf.Tensor) -> tf.Tensor:
        def step(inputs: Any, labels: tf.Tensor) -> tf.Tensor:
            loss, gradients = self._replica_gradients(inputs, labels)
            for accumulated, gradient in zip(self._gradients, gradients, strict=True):
                accumulated.assign_add(gradient)
            return loss

        return self._mean_over_replicas(self._strategy.run(step, args=(inputs, labels)))

    def _update_step_eagerly(self) -> None:
        def step() -> None:
            # A variable's value has no device, by which TensorFlow finds where a sum over workers goes.
            self._apply([tf.identity(accumulated) for accumulated in self._gradients])
            for accumulated in self._gradients:
                accumulated.assign(tf.zeros_like(accumulated))

        self._strategy.run(step)
        if self._average:
            self._update_average()

    def _mean_over_replicas(self, losses: Any) -> tf.Tensor:
        summed = self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
        return summed / self._strategy.num_replicas_in_sync

    def _replica_gradients(self, inputs: Any, labels: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The loss of a batch and this replica's share of the gradients, scaled if the loss is."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self._trained])
            loss = self._loss_of(inputs, labels)
            # Every replica has the loss of the whole batch, and the optimizer adds up the gradients.
            share = loss / self._strategy.num_replicas_in_sync / self._accumulated
            scaled = self.optimizer.scale_loss(share)
        return loss, tape.gradient(scaled, [variable.value for variable in self._trained])

    def _apply(self, gradients: list[tf.Tensor]) -> None:
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = overflowing_together(gradients)
        if self._settings.gradient_clip_norm:
            scale = self.optimizer.scale_loss(tf.constant(1.0))
            gradients = clipped(gradients, self._settings.gradient_clip_norm * scale)
        self.optimizer.apply(gradients)

    def _loss_of(self, inputs: Any, labels: tf.Tensor) -> tf.Tensor:
        if self._auxiliary is None:
            return self._loss(labels, self._network(inputs, training=True), total=replica_total)
        output, *observed = self._observed(inputs, training=True)
        loss = self._loss(labels, output, total=replica_total)
        return loss + self._auxiliary.compute(labels, observed, replica_total)

    def _update_average(self) -> None:
        """Moves the average toward the weights, faster in the first steps, in which they change most."""
        step = tf.cast(self.optimizer.iterations.value, tf.float32)
        decay = tf.minimum(self._settings.ema, (1 + step) / (10 + step))

        def move(average: tf.Variable, weight: tf.Tensor) -> None:
            average.assign_add((1 - tf.cast(decay, weight.dtype)) * (weight - average))

        for average, weight in zip(self._average, self.model.weights, strict=True):
            self._strategy.extended.update(average, move, args=(weight.value,))

    def _count_step_eagerly(self, inputs: Any, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def count(inputs: Any, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            logits = self._network(inputs, training=False)
            counts = confusion_counts(masks, tf.argmax(logits, axis=-1), logits.shape[-1])
            # Every replica has the loss of the whole batch.
            return counts, self._loss(masks, logits, total=replica_total)

        counts, loss = self._strategy.run(count, args=(inputs, masks))
        return (
            self._strategy.reduce(tf.distribute.ReduceOp.SUM, counts, axis=None),
            self._strategy.reduce(tf.distribute.ReduceOp.MEAN, loss, axis=None),
        )


def _trained_variables(model: keras.Model, encoder_factor: float) -> tuple[list[keras.Variable], list[float]]:
    """The trained variables, and the factor of the learning rate for each."""
    encoder = next((layer for layer in model.layers if layer.name == ENCODER_NAME), None)
    of_encoder = {id(variable) for variable in encoder.trainable_variables} if encoder else set()
    factors = [encoder_factor if id(v) in of_encoder else 1.0 for v in model.trainable_variables]
    trained = [(v, factor) for v, factor in zip(model.trainable_variables, factors, strict=True) if factor]
    return [variable for variable, _ in trained], [factor for _, factor in trained]


def _copies(model: keras.Model) -> list[tf.Variable]:
    return [tf.Variable(keras.ops.convert_to_numpy(weight), trainable=False) for weight in model.weights]


def _finite(losses: list[tf.Tensor], steps_before: int) -> list[float]:
    """Reads losses; raises FloatingPointError with the step, from 1, of the first that is not finite."""
    values = [float(loss) for loss in losses]
    for step, value in enumerate(values, start=steps_before + 1):
        if not math.isfinite(value):
            raise FloatingPointError(step)
    return values


def _assign(model: keras.Model, values: Sequence[Any]) -> None:
    for weight, value in zip(model.weights, values, strict=True):
        weight.assign(value)
