"""A training of seconds, also as a process of its own that can be killed: `python tiny_training.py DIR`."""

import sys
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np

from tests.trainer.shapes import shape_pairs, tiny_network
from trainer.data.input import TrainingBatches, evaluation_batches
from trainer.settings import TrainerSettings
from trainer.training.loop import train

SIZE = 16
CLASS_NAMES = ("square", "ground", "rim")
SETTINGS = TrainerSettings(
    epochs=6, batch_size=4, learning_rate=0.02, ema=0.9, encoder_learning_rate_factor=0.5, seed=5
)


class Announcer:
    """Prints each epoch, and leaves time to kill the process before the next one."""

    def on_step(self, epoch, step, loss):
        pass

    def on_epoch(self, model, history):
        print(f"epoch {len(history)}", flush=True)
        time.sleep(0.3)


class Recorder:
    """Records the weights that callbacks see."""

    def __init__(self):
        self.weights = []

    def on_step(self, epoch, step, loss):
        pass

    def on_epoch(self, model, history):
        self.weights.append(model.get_weights())


class Killed(Exception):
    pass


class KillAfter(Recorder):
    """Ends a training when it reports an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self._epoch = epoch

    def on_epoch(self, model, history):
        if len(history) == self._epoch:
            raise Killed


def assert_same_weights(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def tiny_train(
    directory: Path, settings=SETTINGS, network=None, callbacks=(), pairs=16
) -> tuple[keras.Model, list]:
    model = network or tiny_network(SIZE)
    batches = TrainingBatches(
        shape_pairs(pairs, SIZE), settings.batch_size, settings.augmentation, settings.seed
    )
    history = train(
        model,
        batches,
        partial(evaluation_batches, shape_pairs(8, SIZE, seed=1), 4),
        settings,
        class_names=CLASS_NAMES,
        checkpoints=str(directory / "checkpoints"),
        callbacks=callbacks,
    )
    return model, history


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    trained, _ = tiny_train(folder, callbacks=[Announcer()])
    np.savez(folder / "weights.npz", *trained.get_weights())
