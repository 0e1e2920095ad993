"""The training loop: one for one device and for many, resumable after every epoch.

Keras' own `fit` fails under MultiWorkerMirroredStrategy and cannot go on in the middle of a training with the
same weights at the end, so the loop is ours: a step through `strategy.run`, an evaluation, a checkpoint.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.checkpoints import Checkpoints
from trainer.errors import UserError
from trainer.input import TrainingBatches
from trainer.losses import segmentation_loss
from trainer.metrics import class_iou, confusion_counts, mean_iou
from trainer.optimizer import LayerwiseAdamW
from trainer.progress import SECONDS_BETWEEN_RECORDS, Watcher, logger
from trainer.schedules import WarmUpSchedule
from trainer.settings import TrainerSettings

ENCODER_NAME = "encoder"


class Training:
    """A model, its optimizer, its moving average and its best weights so far.

    Args:
        model: From photos, float32 [n, S, S, 3] (0 to 255), to logits [n, S, S, classes]. A layer named
            `encoder` learns at its own rate.
        settings: How it is trained.
        steps_per_epoch: Batches an epoch.
        class_weights: One number a class, or None for equal ones.
    """

    def __init__(
        self,
        model: keras.Model,
        settings: TrainerSettings,
        steps_per_epoch: int,
        class_weights: Sequence[float] | None = None,
    ):
        self.model = model
        self._settings = settings
        self._strategy = tf.distribute.get_strategy()
        self._class_weights = class_weights
        self._trained, factors = _trained_variables(model, settings.encoder_learning_rate_factor)
        self._schedule = WarmUpSchedule(
            peak=settings.learning_rate,
            warmup_steps=round(settings.warmup_epochs * steps_per_epoch),
            total_steps=settings.epochs * steps_per_epoch,
            shape=settings.schedule,
        )
        self.optimizer = LayerwiseAdamW(self._schedule, settings.weight_decay, self._trained, factors)
        self._average = _copies(model) if settings.ema else []
        with tf.device("CPU:0"):
            self._best = _copies(model)
        self._train_step = tf.function(self._train_step_eagerly, reduce_retracing=True)
        self._count_step = tf.function(self._count_step_eagerly, reduce_retracing=True)

    def variables(self) -> dict[str, list[tf.Variable]]:
        """All that a checkpoint must hold, dropout's random state included."""
        return {
            "model": [variable.value for variable in self.model.variables],
            "optimizer": [variable.value for variable in self.optimizer.variables],
            "average": self._average,
            "best": self._best,
        }

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        return float(keras.ops.convert_to_numpy(self._schedule(self.optimizer.iterations - 1)))

    def train_epoch(self, batches: tf.data.Dataset, on_step: Callable[[int, float], None]) -> float:
        """Trains on all batches once.

        Args:
            batches: (images, masks).
            on_step: Called now and then with the step, from 1, and the mean loss so far.

        Returns:
            Mean loss of the epoch.

        Raises:
            FloatingPointError: The loss is not a number; the argument is the step.
        """
        losses: list[float] = []
        waiting: list[tf.Tensor] = []
        reported = time.monotonic()
        for images, masks in self._strategy.experimental_distribute_dataset(batches):
            waiting.append(self._train_step(images, masks))
            # A loss that is read makes the host wait for the device, so they are read in groups.
            if time.monotonic() - reported > SECONDS_BETWEEN_RECORDS:
                losses += _finite(waiting, len(losses))
                waiting = []
                on_step(len(losses), float(np.mean(losses)))
                reported = time.monotonic()
        losses += _finite(waiting, len(losses))
        return float(np.mean(losses))

    def use_average(self) -> Callable[[], None]:
        """Gives the model its moving average, where one is kept; the result puts the live weights back."""
        if not self._average:
            return lambda: None
        live = [keras.ops.convert_to_numpy(weight) for weight in self.model.weights]
        _assign(self.model, self._average)
        return lambda: _assign(self.model, live)

    def evaluate(self, batches: tf.data.Dataset) -> np.ndarray:
        """Confusion counts of the model as it stands, int64 [classes, classes], truth by prediction."""
        distributed = self._strategy.experimental_distribute_dataset(batches)
        return sum(self._count_step(images, masks).numpy() for images, masks in distributed)

    def keep_as_best(self) -> None:
        """Remembers the model's weights as the best so far."""
        for best, weight in zip(self._best, self.model.weights, strict=True):
            best.assign(weight.value)

    def use_best(self) -> None:
        """Gives the model its best weights."""
        _assign(self.model, self._best)

    def _train_step_eagerly(self, images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        replicas = self._strategy.num_replicas_in_sync
        losses = self._strategy.run(self._replica_step, args=(images, masks))
        if self._average:
            self._update_average()
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None) / replicas

    def _replica_step(self, images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self._trained])
            loss = segmentation_loss(
                masks,
                self.model(images, training=True),
                class_weights=self._class_weights,
                label_smoothing=self._settings.label_smoothing,
                dice_weight=self._settings.dice_weight,
                focal_gamma=self._settings.focal_gamma,
                lovasz_weight=self._settings.lovasz_weight,
                total=_replica_total,
            )
            # Every replica has the loss of the whole batch, and the optimizer adds up their gradients.
            share = loss / self._strategy.num_replicas_in_sync
        gradients = tape.gradient(share, [variable.value for variable in self._trained])
        self.optimizer.apply(gradients)
        return loss

    def _update_average(self) -> None:
        """Moves the average towards the weights, faster in the first steps, in which they change most."""
        step = tf.cast(self.optimizer.iterations.value, tf.float32)
        decay = tf.minimum(self._settings.ema, (1 + step) / (10 + step))

        def move(average: tf.Variable, weight: tf.Tensor) -> None:
            average.assign_add((1 - tf.cast(decay, weight.dtype)) * (weight - average))

        for average, weight in zip(self._average, self.model.weights, strict=True):
            self._strategy.extended.update(average, move, args=(weight.value,))

    def _count_step_eagerly(self, images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        def count(images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
            return confusion_counts(masks, self.model(images, training=False))

        counts = self._strategy.run(count, args=(images, masks))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, counts, axis=None)


def train(
    model: keras.Model,
    batches: TrainingBatches,
    evaluation: tf.data.Dataset,
    settings: TrainerSettings,
    *,
    class_names: Sequence[str],
    checkpoints: str,
    class_weights: Sequence[float] | None = None,
    watchers: Sequence[Watcher] = (),
) -> list[dict[str, Any]]:
    """Trains a model and leaves it with the weights that did best on `evaluation`.

    Args:
        model: See `Training`.
        batches: The training pairs.
        evaluation: The eval pairs, (images, masks), in batches.
        settings: How it is trained.
        class_names: For the history.
        checkpoints: Folder of this very training. What is found there is gone on with.
        class_weights: One number a class, or None for equal ones.
        watchers: Are told how it gets on.

    Returns:
        The history, one entry an epoch: epoch (from 1), loss, mean_iou and iou {class name: value, None where
        absent} on `evaluation` at model size, learning_rate (of its last step), seconds.

    Raises:
        UserError: The loss became NaN or infinite.
    """
    training = Training(model, settings, batches.steps, class_weights)
    saved = Checkpoints(checkpoints, **training.variables())
    history = saved.restore()
    if history:
        logger.info("goes on after epoch %d of %d of an unfinished training", len(history), settings.epochs)
    while len(history) < settings.epochs and not _out_of_patience(history, settings.early_stopping_patience):
        epoch = len(history) + 1
        started = time.monotonic()

        def on_step(step: int, loss: float, epoch: int = epoch) -> None:
            for watcher in watchers:
                watcher.on_step(epoch, step, loss)

        try:
            loss = training.train_epoch(batches.epoch(epoch - 1), on_step)
        except FloatingPointError as error:
            raise UserError(
                f"training: the loss was no longer a finite number in epoch {epoch}, step {error}; a lower "
                f"trainer.learning_rate (now {settings.learning_rate:g}) or more trainer.warmup_epochs "
                f"(now {settings.warmup_epochs:g}) would be right"
            ) from error
        use_live = training.use_average()
        counts = training.evaluate(evaluation)
        history.append(
            {
                "epoch": epoch,
                "loss": loss,
                "mean_iou": mean_iou(counts),
                "iou": {
                    name: None if math.isnan(iou) else float(iou)
                    for name, iou in zip(class_names, class_iou(counts), strict=True)
                },
                "learning_rate": training.learning_rate,
                "seconds": round(time.monotonic() - started, 2),
            }
        )
        if _best_epoch(history) == epoch:
            training.keep_as_best()
        for watcher in watchers:
            watcher.on_epoch(model, history)
        use_live()
        saved.save(history)
    training.use_best()
    return history


def _trained_variables(model: keras.Model, encoder_factor: float) -> tuple[list[keras.Variable], list[float]]:
    """The variables that learn, and each one's factor of the learning rate."""
    encoder = next((layer for layer in model.layers if layer.name == ENCODER_NAME), None)
    of_encoder = {id(variable) for variable in encoder.trainable_variables} if encoder else set()
    factors = [encoder_factor if id(v) in of_encoder else 1.0 for v in model.trainable_variables]
    trained = [(v, factor) for v, factor in zip(model.trainable_variables, factors, strict=True) if factor]
    return [variable for variable, _ in trained], [factor for _, factor in trained]


def _copies(model: keras.Model) -> list[tf.Variable]:
    return [tf.Variable(keras.ops.convert_to_numpy(weight), trainable=False) for weight in model.weights]


def _replica_total(partial_sum: tf.Tensor) -> tf.Tensor:
    """Adds up over the replicas; on one device there is nothing to add."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return partial_sum
    return context.all_reduce(tf.distribute.ReduceOp.SUM, partial_sum)


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


def _best_epoch(history: list[dict[str, Any]]) -> int:
    """The epoch, from 1, with the highest mean IoU; of equals the first."""
    return 1 + max(range(len(history)), key=lambda place: history[place]["mean_iou"])


def _out_of_patience(history: list[dict[str, Any]], patience: int | None) -> bool:
    return bool(patience and history and len(history) - _best_epoch(history) >= patience)
