"""An exported file beside its model: pixels of each example, and masks pixel by pixel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

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
    model: Segmenter, file: Segmenter, records: Iterator[bytes], slice_features: Sequence[str]
) -> Compared:
    """Runs a model and its exported file on examples, some at a time.

    Args:
        model: The SavedModel.
        file: The exported file.
        records: Raw tf.Examples.
        slice_features: Features whose values are slices.
    """
    compared = Compared()
    for batch in _batches(records):
        examples = [tf.train.Example.FromString(record).features.feature for record in batch]
        compared.names += [_text(features["image/name"]) for features in examples]
        compared.slices += [
            {name: _text(features[name]) for name in slice_features if name in features}
            for features in examples
        ]
        for segmenter, pixels in ((model, compared.model), (file, compared.file)):
            counts = segmenter.evaluate(examples=tf.constant(batch))[CONFUSION][:, NATIVE]
            pixels += list(intersection_and_union(counts.numpy()))
        photos = [features["image/encoded"].bytes_list.value[0] for features in examples]
        names = compared.names[-len(batch) :]
        masks = model.masks(photos), file.masks(photos)
        for name, photo, expected, mask in zip(names, photos, *masks, strict=True):
            compared.add_masks(name, photo, expected, mask)
    return compared


def _batches(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(feature: tf.train.Feature) -> str:
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind else ()
    if not values:
        return ""
    return values[0].decode() if isinstance(values[0], bytes) else str(values[0])
