"""Photos and masks without TFX, for the scripts that the pipeline is measured against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pets import PETS, PETS_DATA
from components.example_gen.pairs import split_of_listed
from petseg.metrics.iou import iou_per_class, mean_iou
from petseg.metrics.pixel_accuracy import pixel_accuracy
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.geometry import Size, WholePhoto
from trainer.data.preprocessing import decode_mask, prepare_photo

BATCH = 32


@dataclass(frozen=True)
class Split:
    """All pairs of a split.

    Attributes:
        names: In the order of the arrays, sorted.
        images: uint8 [n, S, S, 3].
        masks: n arrays, uint8 [h, w], class ids at native resolution.
    """

    names: list[str]
    images: np.ndarray
    masks: list[np.ndarray]


def read_split(data: str, split: str, size: Size) -> Split:
    """Decodes a split of a data set in the official layout; splits as the pipeline makes them."""
    folder = Path(data)
    listed = (folder / "annotations" / ("test.txt" if split == "test" else "trainval.txt")).read_text()
    percent = PETS_DATA.eval_percent
    names = sorted(line.split()[0] for line in listed.splitlines() if line)
    names = [name for name in names if split == "test" or split_of_listed(name, percent) == split]

    def read(photo: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image, _ = prepare_photo(tf.io.read_file(photo), WholePhoto("stretch", size, "bilinear"))
        return image, decode_mask(tf.io.read_file(mask), PETS)

    photos = [str(folder / "images" / f"{name}.jpg") for name in names]
    masks = [str(folder / "annotations" / "trimaps" / f"{name}.png") for name in names]
    pairs = tf.data.Dataset.from_tensor_slices((photos, masks)).map(read, PARALLEL).prefetch(8)
    images, ids = zip(*without_autotuning(pairs).as_numpy_iterator(), strict=True)
    return Split(names, np.stack(images), list(ids))


def evaluate(model: keras.Model, split: Split) -> dict[str, Any]:
    """Mean IoU, IoU a class and pixel accuracy at model resolution and at native resolution."""
    size = split.images.shape[1:3]
    classes = len(PETS)
    counts = np.zeros((2, classes, classes), np.int64)

    @tf.function
    def probabilities_of(images: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(model(tf.cast(images, tf.float32), training=False))

    for start in range(0, len(split.images), BATCH):
        probabilities = probabilities_of(split.images[start : start + BATCH])
        for predicted, mask in zip(probabilities, split.masks[start : start + BATCH], strict=False):
            small = tf.image.resize(mask[..., None], size, method="nearest").numpy()[..., 0]
            counts[0] += _counts(small, np.argmax(predicted, axis=-1), classes)
            native = tf.image.resize(predicted, mask.shape).numpy()
            counts[1] += _counts(mask, np.argmax(native, axis=-1), classes)
    return {"model": _metrics(counts[0]), "native": _metrics(counts[1]), "examples": len(split.names)}


def _counts(labels: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(labels.ravel() * classes + prediction.ravel(), minlength=classes**2).reshape(
        classes, classes
    )


def _metrics(counts: np.ndarray) -> dict[str, Any]:
    named = zip(PETS.names, iou_per_class(counts), strict=True)
    return {
        "mean_iou": float(mean_iou(counts)),
        "iou": {name: float(iou) for name, iou in named},
        "pixel_accuracy": float(pixel_accuracy(counts)),
    }
