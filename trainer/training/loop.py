"""The training loop: one for one device and for many, resumable after every epoch.

Keras' own `fit` fails under MultiWorkerMirroredStrategy and cannot go on in the middle of a training with the
same weights at the end, so the loop is ours: a step through `strategy.run`, an evaluation, a checkpoint.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from petseg.errors import UserError
from trainer.data.input import EvaluationBatches, TrainingBatches
from trainer.losses import AuxiliaryLoss
from trainer.settings import TrainerSettings
from trainer.training.callbacks import Callback, logger
from trainer.training.checkpoints import Checkpoints
from trainer.training.distribution import check_alike, is_chief
from trainer.training.metrics import epoch_metrics
from trainer.training.step import Training


def train(
    model: keras.Model,
    batches: TrainingBatches,
    evaluation: EvaluationBatches,
    settings: TrainerSettings,
    *,
    class_names: Sequence[str],
    checkpoints: str,
    class_weights: Sequence[float] | None = None,
    trained_part: keras.Model | None = None,
    auxiliary: AuxiliaryLoss | None = None,
    callbacks: Sequence[Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
) -> list[dict[str, Any]]:
    """Trains a model and leaves it with the weights that did best on `evaluation`.

    Args:
        model: See `Training`.
        batches: The training pairs.
        evaluation: Gives the eval pairs, (images, masks), in batches.
        settings: How it is trained.
        class_names: For the history.
        checkpoints: Folder of this very training. What is found there is gone on with.
        class_weights: One number a class, or None for equal ones.
        trained_part: See `Training`.
        auxiliary: See `Training`.
        callbacks: Are told how it gets on.
        strategy: See `Training`. Of several processes only the chief writes checkpoints.

    Returns:
        The history, one entry an epoch: epoch (from 1), loss, mean_iou and iou {class name: value, None where
        absent} on `evaluation` at model size, learning_rate (of its last step), seconds.

    Raises:
        UserError: The loss became NaN or infinite, or the workers do not train the same.
    """
    strategy = strategy or tf.distribute.get_strategy()
    training = Training(
        model,
        settings,
        batches.steps,
        class_weights,
        trained_part,
        auxiliary=auxiliary,
        strategy=strategy,
    )
    saved = Checkpoints(checkpoints, **training.variables())
    history = saved.restore()
    check_alike(strategy, f"{model.compute_dtype}, {len(history)} epochs")
    if history:
        logger.info("goes on after epoch %d of %d of an unfinished training", len(history), settings.epochs)
    while len(history) < settings.epochs and not _out_of_patience(history, settings.early_stopping_patience):
        epoch = len(history) + 1
        started = time.monotonic()

        def on_step(step: int, loss: float, epoch: int = epoch) -> None:
            for callback in callbacks:
                callback.on_step(epoch, step, loss)

        try:
            loss = training.train_epoch(partial(batches.epoch, epoch - 1), on_step)
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
                **epoch_metrics(counts, class_names),
                "learning_rate": training.learning_rate,
                "seconds": round(time.monotonic() - started, 2),
            }
        )
        if _best_epoch(history) == epoch:
            training.keep_as_best()
        use_live()
        # An epoch that is spoken of is safe: a kill after that does not train it again.
        if is_chief(strategy):
            saved.save(history)
        use_live = training.use_average()
        for callback in callbacks:
            callback.on_epoch(model, history)
        use_live()
    training.use_best()
    return history


def _best_epoch(history: list[dict[str, Any]]) -> int:
    """The epoch, from 1, with the highest mean IoU; of equals the first."""
    return 1 + max(range(len(history)), key=lambda place: history[place]["mean_iou"])


def _out_of_patience(history: list[dict[str, Any]], patience: int | None) -> bool:
    return bool(patience and history and len(history) - _best_epoch(history) >= patience)
