"""How a training gets on: a log, which the local runner turns into a live display, and history.json."""

import json
import logging
import os
import time
from typing import Any, Protocol

import keras
import tensorflow as tf

logger = logging.getLogger("petseg.trainer")

SECONDS_BETWEEN_RECORDS = 0.5


class Callback(Protocol):
    """Is told how a training gets on. Epochs and steps count from 1."""

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Now and then within an epoch; `loss` is the epoch's mean so far."""

    def on_epoch(self, model: keras.Model, history: list[dict[str, Any]]) -> None:
        """After an epoch, history's last entry; the model has the weights that were judged."""


class LogProgress:
    """One log line an epoch, and records with `progress` that a live display shows instead of their text."""

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
        """Logs the epoch's figures."""
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
        """From the pace of this process; None until there is one."""
        now = time.monotonic()
        if self._first_step is None:
            self._first_step, self._started = steps_done, now
            return None
        if steps_done == self._first_step:
            return None
        pace = (now - self._started) / (steps_done - self._first_step)
        return round(pace * (self._epochs * self._steps - steps_done), 1)


def write_history(directory: str, history: list[dict[str, Any]]) -> None:
    """Writes `history.json`: a list with one entry an epoch, also of epochs before a resumed training's."""
    tf.io.gfile.makedirs(directory)
    with tf.io.gfile.GFile(os.path.join(directory, "history.json"), "w") as file:
        file.write(json.dumps(history, indent=1))
