"""TensorBoard's logs: curves, and predictions for a few eval photos."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from petseg.class_table import ClassTable
from petseg.overlay import color_mask
from trainer.data.pairs import Pairs


class TensorBoard:
    """Writes scalars and previews (photo, ground truth and prediction side by side) after every epoch.

    Args:
        directory: Folder of the event files.
        previews: The examples to draw; may be empty.
        classes: Names of the curves and colors of the previews.
    """

    def __init__(self, directory: str, previews: Pairs, classes: ClassTable):
        self._writer = tf.summary.create_file_writer(directory)
        self._previews = previews
        self._classes = classes

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Does nothing: curves have one point per epoch."""

    def on_epoch(self, model: keras.Model, history: list[dict[str, Any]]) -> None:
        """Writes the metrics and previews of the last epoch."""
        record = history[-1]
        epoch = record["epoch"]
        with self._writer.as_default():
            for name in ("loss", "eval_loss", "mean_iou", "learning_rate", "seconds"):
                if record.get(name) is not None:
                    tf.summary.scalar(name, record[name], step=epoch)
            for name, iou in record["iou"].items():
                if iou is not None:
                    tf.summary.scalar(f"iou/{name}", iou, step=epoch)
            if len(self._previews):
                rows = self._draw(model)
                tf.summary.image("photo, ground truth, prediction", rows, step=epoch, max_outputs=len(rows))
        self._writer.flush()

    def _draw(self, model: keras.Model) -> np.ndarray:
        """Photo, ground truth and prediction side by side, uint8 [n, H, 3 W, 3]."""
        photos = np.stack(self._previews.images)
        logits = keras.ops.convert_to_numpy(model(photos.astype(np.float32), training=False))
        masks = [np.stack(self._previews.masks), np.argmax(logits, axis=-1)]
        return np.concatenate([photos, *(color_mask(mask, self._classes) for mask in masks)], axis=2)
