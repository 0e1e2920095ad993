"""Whole photos of all sizes, decoded once and kept: what `tile` takes crops and windows from."""

import dataclasses
import io
import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf
from PIL import Image

from petseg.shards import shard_files
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.geometry import Windows
from trainer.data.geometry.patches import cut_patch
from trainer.data.pairs import Pairs, no_examples
from trainer.data.preprocessing import ENCODED, parse_encoded_pair


@dataclasses.dataclass(frozen=True)
class Photos(Pairs):
    """Whole photos and masks of a split, at model resolution and of all sizes.

    Attributes:
        windows: What the network sees of them.
        class_weights: Weight of crops around a pixel of a class, by class id; see `crop_center`.
    """

    windows: Windows
    class_weights: Mapping[int, float]

    def first(self, count: int) -> Pairs:
        """The middles of the first `count` photos, as large as a window."""
        size = self.windows.size
        middles = []
        for image, mask in zip(self.images[:count], self.masks[:count], strict=True):
            first = [(of - side) // 2 for of, side in zip(mask.shape, size, strict=True)]
            middles.append(cut_patch(image, mask, first, size))
        return Pairs([image for image, _ in middles], [mask for _, mask in middles], list(self.names[:count]))


def load_photos(
    patterns: Sequence[str], cache: str, windows: Windows, class_weights: Mapping[int, float]
) -> Photos:
    """Reads and decodes all photos of a split.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        cache: `memory` or `disk`, see `load_pairs`.
        windows: See `Photos`, also for the next one.
        class_weights: Weights by class id.

    Raises:
        UserError: There are no examples.
    """

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        name = tf.io.parse_single_example(record, {"image/name": tf.io.FixedLenFeature([], tf.string)})
        return *parse_encoded_pair(record), name["image/name"]

    decoded = without_autotuning(_records(patterns).map(parse, num_parallel_calls=PARALLEL).prefetch(2))
    names: list[str] = []
    kept: tuple[_Kept, _Kept] = (_InMemory(), _InMemory()) if cache == "memory" else (_OnDisk(), _OnDisk())
    for image, mask, name in decoded.as_numpy_iterator():
        names.append(name.decode())
        for pixels, rows in zip((image, mask), kept, strict=True):
            rows.append(pixels)
    if not names:
        raise no_examples(patterns)
    order = np.argsort(names, kind="stable")
    images, masks = ([arrays[i] for i in order] for arrays in (rows.arrays() for rows in kept))
    return Photos(images, masks, [names[i] for i in order], windows, class_weights)


def count_pixels(patterns: Iterable[str]) -> int:
    """The pixels of all photos together. Reads no more of a mask than its header."""
    features = {ENCODED[1]: tf.io.FixedLenFeature([], tf.string)}
    masks = without_autotuning(
        _records(patterns).map(lambda record: tf.io.parse_single_example(record, features))
    )
    return sum(math.prod(Image.open(io.BytesIO(mask[ENCODED[1]])).size) for mask in masks.as_numpy_iterator())


def _records(patterns: Iterable[str]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(shard_files(list(patterns)), compression_type="GZIP")


class _Kept(Protocol):
    def append(self, pixels: np.ndarray) -> None: ...

    def arrays(self) -> Sequence[np.ndarray]: ...


class _InMemory:
    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []

    def append(self, pixels: np.ndarray) -> None:
        self._arrays.append(pixels)

    def arrays(self) -> Sequence[np.ndarray]:
        return self._arrays


class _OnDisk:
    """Arrays of all sizes in an unnamed file, which is mapped: a crop reads only its own rows."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="petseg-cache-")  # noqa: SIM115
        self._shapes: list[tuple[int, ...]] = []

    def append(self, pixels: np.ndarray) -> None:
        self._file.write(pixels.tobytes())
        self._shapes.append(pixels.shape)

    def arrays(self) -> Sequence[np.ndarray]:
        self._file.flush()
        ends = np.cumsum([math.prod(shape) for shape in self._shapes])
        mapped = np.memmap(self._file, np.uint8, mode="r")
        pieces = np.split(mapped, ends[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]
