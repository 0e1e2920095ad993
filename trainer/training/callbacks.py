"""Progress of a training: the log, which the local runner shows as a live display, and history.json."""

import json
import logging
import os
import time
from typing import Any, Protocol

import keras

from petseg.files.atomic import write_atomic

logger = logging.getLogger("petseg.trainer")

SECONDS_BETWEEN_RECORDS = 0.5


class Callback(Protocol):
    """Called during a training. Epochs and steps count from 1."""

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Called from time to time within an epoch; `loss` is the mean of the epoch so far."""

    def on_epoch(self, model: keras.Model, history: list[dict[str, Any]]) -> None:
        """Called after an epoch, the last entry of `history`; the model has the evaluated weights."""


class LogProgress:
    """Logs a line after each epoch, and records with `progress` for a live display in between."""

    def __init__(self, epochs: int, steps: int):
        self._epochs = epochs
        self._steps = steps
        self._started = time.monotonic()
        self._first_step: int | None = None
        self._mean_iou: float | None = None

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Logs a record with `progress`: epoch, epochs, step, steps, loss, mean_iou, seconds_left."""
        progress = {
            "epoch": epoch,
            "epochs": self._epochs,
            "step": step,
            "steps": self._steps,
            "loss": loss,
            "mean_iou": self._mean_iou,
            "seconds_left": self._seconds_left((epoch - 1) * self._steps + step),
        }
        text = "epoch %d/%d, step %d/%d: loss %.4f"
        logger.info(text, epoch, self._epochs, step, self._steps, loss, extra={"progress": progress})

    def on_epoch(self, model: keras.Model, history: list[dict[str, Any]]) -> None:
        """Logs loss, mean IoU and time of the epoch."""
        record = history[-1]
        self._mean_iou = record["mean_iou"]
        left = self._seconds_left(record["epoch"] * self._steps)
        logger.info(
            "epoch %d/%d: loss %.4f, eval mean IoU %.4f, %.0f s%s",
            record["epoch"],
            self._epochs,
            record["loss"],
            record["mean_iou"],
            record["seconds"],
            f", about {left:.0f} s left" if left else "",
        )

    def _seconds_left(self, steps_done: int) -> float | None:
        """Estimated from the speed of this process; None until it is known."""
        now = time.monotonic()
        if self._first_step is None:
            self._first_step, self._started = steps_done, now
            return None
        if steps_done == self._first_step:
            return None
        pace = (now - self._started) / (steps_done - self._first_step)
        return round(pace * (self._epochs * self._steps - steps_done), 1)


def write_history(directory: str, history: list[dict[str, Any]]) -> None:
    """Writes `history.json`: one entry per epoch, including epochs before the training resumed."""
    write_atomic(os.path.join(directory, "history.json"), json.dumps(history, indent=1))
