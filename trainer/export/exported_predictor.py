"""An exported file in the place of the network: the same signatures, computed around it."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainer.export.formats import load_format
from trainer.export.formats.export_format import Run
from trainer.export.signatures import Predictor
from trainer.settings import TrainingSettings

BYTES_KEPT = 200_000_000
"""Of logits: counts and masks of the same photos run the network once."""


class ExportedPredictor(Predictor):
    """What the signatures compute, with an exported file for the network.

    So the file is evaluated by the code that evaluates the model. It works in this process only: a function
    of NumPy cannot be saved.

    Attributes:
        run: the exported network.
    """

    def __init__(self, file: Path, name: str, settings: TrainingSettings):
        """Loads a file.

        Args:
            file: the exported file.
            name: its format.
            settings: settings of the model.
        """
        self.run = load_format(name).open(file)
        shape = (*settings.model.input_size, len(settings.classes))
        super().__init__(_as_network(_remembering(self.run), shape), settings)
        # Eagerly, Python would go through all operations of each photo.
        strings = [tf.TensorSpec([None], tf.string)]
        self._serve = tf.function(self.serving_default, input_signature=strings)
        self._evaluate = tf.function(super().evaluate, input_signature=strings)

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """See `Predictor.evaluate`."""
        counts: dict[str, tf.Tensor] = self._evaluate(examples)
        return counts

    def masks(self, photos: Sequence[bytes]) -> list[NDArray[np.uint8]]:
        """Masks at native resolution, uint8 [h, w]: the classes' values."""
        encoded = self._serve(tf.constant(list(photos)))["mask_png_bytes"]
        return [tf.io.decode_png(png).numpy()[..., 0] for png in encoded]


def _as_network(run: Run, shape: tuple[int, int, int]) -> Callable[..., tf.Tensor]:
    """A callable with the signature of a Keras model."""

    def network(photos: tf.Tensor, training: bool = False) -> tf.Tensor:
        logits = tf.numpy_function(run, [photos], tf.float32)
        return tf.ensure_shape(logits, [None, *shape])

    return network


def _remembering(run: Run) -> Run:
    kept: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
    # TensorFlow may call for several windows at once, and an interpreter of LiteRT has one input.
    lock = threading.Lock()

    def remember(photos: NDArray[np.float32]) -> NDArray[np.float32]:
        key = hashlib.blake2b(photos).digest()
        with lock:
            if key not in kept:
                kept[key] = run(photos)
                while len(kept) > 1 and sum(logits.nbytes for logits in kept.values()) > BYTES_KEPT:
                    kept.popitem(last=False)
            return kept[key]

    return remember
