"""An exported file beside its model: pixels of each example, and masks pixel by pixel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.exporter.raw_examples import text_feature
from petseg.metrics.counting import CONFUSION
from petseg.metrics.iou import intersection_and_union

BATCH_SIZE = 8
NATIVE = 1
"""Index of native resolution in the outputs of `evaluate`."""


class Segmenter(Protocol):
    """What is compared: a SavedModel's signatures, or the same around an exported file."""

    def evaluate(self, examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """The signature `evaluate`."""

    def masks(self, photos: Sequence[bytes]) -> list[NDArray[np.uint8]]:
        """Masks at native resolution, uint8 [h, w]: the classes' values."""


@dataclass
class Compared:
    """An exported file and its model on the same examples.

    Attributes:
        names: of the examples.
        slices: values of the slice features of each example, by feature.
        model: `intersection_and_union` of the model's predictions, int64 [2, classes] an example.
        file: the same of the file's.
        equal_pixels: pixels that are equal in both masks, of each example.
        pixels: pixels of each example.
        least_equal: the example whose masks differ most.
    """

    names: list[str] = field(default_factory=list)
    slices: list[dict[str, str]] = field(default_factory=list)
    model: list[NDArray[np.int64]] = field(default_factory=list)
    file: list[NDArray[np.int64]] = field(default_factory=list)
    equal_pixels: list[int] = field(default_factory=list)
    pixels: list[int] = field(default_factory=list)
    least_equal: "LeastEqual | None" = None

    @property
    def agreement(self) -> float:
        """Share of pixels in which the masks are equal."""
        return sum(self.equal_pixels) / max(sum(self.pixels), 1)

    def add_masks(self, name: str, photo: bytes, model: NDArray[np.uint8], file: NDArray[np.uint8]) -> None:
        """Compares the masks of one example."""
        equal = int((model == file).sum())
        self.equal_pixels.append(equal)
        self.pixels.append(model.size)
        share = equal / model.size
        if self.least_equal is None or share < self.least_equal.share:
            self.least_equal = LeastEqual(name, share, photo, model, file)


@dataclass(frozen=True)
class LeastEqual:
    """The example whose masks differ most.

    Attributes:
        name: of the example.
        share: of equal pixels.
        photo: its file.
        model: the model's mask, uint8 [h, w], values of the classes.
        file: the exported file's.
    """

    name: str
    share: float
    photo: bytes
    model: NDArray[np.uint8]
    file: NDArray[np.uint8]


def compare(
    model: Segmenter,
    files: Mapping[str, Segmenter],
    records: Iterator[bytes],
    slice_features: Sequence[str],
) -> dict[str, Compared]:
    """Runs a model and its exported files on examples, some at a time: the model once for all files.

    Args:
        model: The SavedModel.
        files: The exported files, by format.
        records: Raw tf.Examples.
        slice_features: Features whose values are slices.

    Returns:
        Each file beside the model.
    """
    compared = {name: Compared() for name in files}
    while batch := list(islice(records, BATCH_SIZE)):
        examples = [tf.train.Example.FromString(record).features.feature for record in batch]
        names = [text_feature(features, "image/name") or "" for features in examples]
        slices = [
            {name: text_feature(features, name) or "" for name in slice_features if name in features}
            for features in examples
        ]
        photos = [features["image/encoded"].bytes_list.value[0] for features in examples]
        expected, expected_masks = _overlaps(model, batch), model.masks(photos)
        for name, file in files.items():
            one = compared[name]
            one.names += names
            one.slices += slices
            one.model += expected
            one.file += _overlaps(file, batch)
            for photo in zip(names, photos, expected_masks, file.masks(photos), strict=True):
                one.add_masks(*photo)
    return compared


def _overlaps(segmenter: Segmenter, batch: list[bytes]) -> list[NDArray[np.int64]]:
    counts = segmenter.evaluate(examples=tf.constant(batch))[CONFUSION][:, NATIVE]
    return list(intersection_and_union(counts.numpy()))
