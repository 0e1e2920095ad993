"""The training loop, for one device and for many. It can resume after every epoch.

Keras' own `fit` fails under MultiWorkerMirroredStrategy, and a training that it resumes ends with other
weights than one without a break. So the loop is our own: steps through `strategy.run`, an evaluation, a
checkpoint.
"""

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from petseg.errors import UserError
from trainer.data.input import EpochBatches, EvaluationBatches
from trainer.losses import AuxiliaryLoss
from trainer.settings import TrainerSettings
from trainer.training.callbacks import Callback, logger
from trainer.training.distribution import check_alike, is_chief
from trainer.training.metrics import epoch_metrics
from trainer.training.step import Training
from trainer.training.unfinished.checkpoints import Checkpoints


def train(
    model: keras.Model,
    batches: EpochBatches,
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
    """Trains a model and leaves it with the weights of the epoch that was best on `evaluation`.

    Args:
        model: See `Training`.
        batches: The training examples.
        evaluation: Makes the batches, (images, masks), to evaluate on after each epoch.
        settings: Settings of the training.
        class_names: Names of the classes in the history.
        checkpoints: Folder of this training alone. The training resumes from a checkpoint in it.
        class_weights: One number per class, or None if all are equal.
        trained_part: See `Training`.
        auxiliary: See `Training`.
        callbacks: Called during the training.
        strategy: See `Training`. Of several processes only the chief writes checkpoints.

    Returns:
        The history, one entry per epoch: epoch (from 1), loss, eval_loss (None if not finite), mean_iou and
        iou {class name: value, None if absent} on `evaluation` at model resolution, learning_rate (of its
        last step), seconds.

    Raises:
        UserError: The loss became NaN or infinite, or the workers are in different states.
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
        logger.info("resuming an unfinished training after epoch %d of %d", len(history), settings.epochs)
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
                f"training: the loss became NaN or infinite in epoch {epoch}, step {error}; lower "
                f"trainer.learning_rate (now {settings.learning_rate:g}) or raise trainer.warmup_epochs "
                f"(now {settings.warmup_epochs:g})"
            ) from error
        use_live = training.use_average()
        counts, eval_loss = training.evaluate(evaluation)
        history.append(
            {
                "epoch": epoch,
                "loss": loss,
                "eval_loss": eval_loss if math.isfinite(eval_loss) else None,
                **epoch_metrics(counts, class_names),
                "learning_rate": training.learning_rate,
                "seconds": round(time.monotonic() - started, 2),
            }
        )
        if _best_epoch(history) == epoch:
            training.keep_as_best()
        use_live()
        # Callbacks report epochs that are saved: a process killed after that does not train them again.
        if is_chief(strategy):
            saved.save(history)
        use_live = training.use_average()
        for callback in callbacks:
            callback.on_epoch(model, history)
        use_live()
    training.use_best()
    return history


def _best_epoch(history: list[dict[str, Any]]) -> int:
    """The epoch, from 1, with the highest mean IoU, the first of equals."""
    return 1 + max(range(len(history)), key=lambda index: history[index]["mean_iou"])


def _out_of_patience(history: list[dict[str, Any]], patience: int | None) -> bool:
    return bool(patience and history and len(history) - _best_epoch(history) >= patience)
