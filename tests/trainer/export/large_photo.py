"""How much memory a large photo adds to a process that has predicted a small one."""

import os
import threading
import time

import numpy as np
import tensorflow as tf

from tests.trainer.export.networks import example
from tests.trainer.pictures import encode, encode_mask, smooth_photo
from trainer.export.signatures import Predictor
from trainer.models import build_model
from trainer.settings import TrainingSettings


def many_classes(classes: int, image_size: int = 64) -> Predictor:
    """A small network from random weights."""
    table = [{"value": value, "name": f"class {value}"} for value in range(classes)]
    model = {
        "architecture": "unet",
        "encoder": "plain",
        "encoder_width": 4,
        "encoder_weights": None,
        "decoder_filters": [16, 8, 8, 8],
        "image_size": image_size,
    }
    settings = TrainingSettings(classes=table, model=model)
    return Predictor(build_model(settings), settings)


def added_megabytes(signature: str, classes: int, height: int, width: int) -> float:
    """The process's peak while it predicts a photo, above what it held after a small one.

    Args:
        signature: `serving_default` or `evaluate`.
        classes: Number of classes.
        height: Of the large photo in pixels.
        width: The same.
    """
    predictor = many_classes(classes)
    predict = tf.function(getattr(predictor, signature), input_signature=[tf.TensorSpec([None], tf.string)])
    rng = np.random.default_rng(0)

    def request(height: int, width: int) -> tf.Tensor:
        photo = encode(smooth_photo(rng, height, width))
        if signature == "serving_default":
            return tf.constant([photo])
        mask = np.kron(rng.integers(0, classes, (4, 4)), np.ones((height // 4, width // 4))).astype(np.uint8)
        return tf.constant([example(photo, encode_mask(mask))])

    small, large = request(64, 96), request(height, width)
    predict(small)
    peaks = [_resident_bytes()]
    before, done = peaks[0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            peaks.append(_resident_bytes())
            time.sleep(0.001)

    thread = threading.Thread(target=watch)
    thread.start()
    predict(large)
    done.set()
    thread.join()
    return (max(peaks) - before) / 2**20


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
