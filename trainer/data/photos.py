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
from petseg.tf_data import without_autotuning
from trainer.data.geometry import Size, Windows
from trainer.data.geometry.patches import cut_patch
from trainer.data.pairs import Pairs, ShareOf, StoredExamples
from trainer.data.preprocessing import ENCODED, parse_encoded_pair


@dataclasses.dataclass(frozen=True)
class Photos(Pairs):
    """Whole photos and masks of a split, at model resolution and of all sizes.

    Attributes:
        windows: What the network sees of them.
        class_weights: Weight of crops around a pixel of a class, by class id; see `crop_center`.
        sizes: Height and width in pixels of all photos, also of those that other workers keep.
    """

    windows: Windows
    class_weights: Mapping[int, float]
    sizes: Sequence[Size]

    def first(self, count: int) -> Pairs:
        """The middles of the first `count` photos, as large as a window."""
        size = self.windows.size
        middles = []
        for image, mask in zip(self.images[:count], self.masks[:count], strict=True):
            first = [(of - side) // 2 for of, side in zip(mask.shape, size, strict=True)]
            middles.append(cut_patch(image, mask, first, size))
        return Pairs([image for image, _ in middles], [mask for _, mask in middles], list(self.names[:count]))


def load_photos(
    patterns: Sequence[str],
    cache: str,
    windows: Windows,
    class_weights: Mapping[int, float],
    share_of: ShareOf | None = None,
) -> Photos:
    """Reads a split, and decodes and keeps the photos of this worker.

    Args:
        patterns: File patterns of TFRecords (GZIP) of transformed examples.
        cache: `memory` or `disk`, see `load_pairs`.
        windows: See `Photos`, also for the next one.
        class_weights: Weights by class id.
        share_of: The share of this worker, if there are several.

    Raises:
        UserError: There are no examples.
    """
    stored = StoredExamples(patterns, share_of)
    kept: tuple[_Kept, _Kept] = (_InMemory(), _InMemory()) if cache == "memory" else (_OnDisk(), _OnDisk())
    names: list[str] = []
    decoded = without_autotuning(stored.decoded(parse_encoded_pair).prefetch(2))
    for *pair, name in decoded.as_numpy_iterator():
        names.append(name.decode())
        for pixels, rows in zip(pair, kept, strict=True):
            rows.append(pixels)
    order, all_names = stored.order(names)
    images, masks = (
        stored.in_share([arrays[i] for i in order]) for arrays in (rows.arrays() for rows in kept)
    )
    if len(names) == len(all_names):
        sizes = [(mask.shape[0], mask.shape[1]) for mask in masks]
    else:
        size_of = photo_sizes(patterns)
        sizes = [size_of[name] for name in all_names]
    return Photos(images, masks, all_names, windows, class_weights, sizes)


def photo_sizes(patterns: Iterable[str]) -> dict[str, Size]:
    """Height and width in pixels of each photo by its name. Decodes no more of a mask than its header."""
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in ("image/name", ENCODED[1])}
    masks = without_autotuning(
        _records(patterns).map(lambda record: tf.io.parse_single_example(record, features))
    )
    sizes = {}
    for row in masks.as_numpy_iterator():
        width, height = Image.open(io.BytesIO(row[ENCODED[1]])).size
        sizes[row["image/name"].decode()] = height, width
    return sizes


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
