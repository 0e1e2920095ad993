"""The scores of slices, from the counts of the photos."""

import dataclasses

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from petseg.metrics.confusion import iou_per_class, mean_iou

SIZES = ("model", "photo")
"""Sizes at which photos.parquet has counts: the model's, and the photo's own."""


@dataclasses.dataclass(frozen=True)
class SliceScore:
    """Scores of the photos that share one value of a slice feature.

    Attributes:
        value: The feature's value.
        photos: How many they are.
        mean_iou: At model size.
        iou: Of each class at model size; NaN where it is absent from truth and prediction.
    """

    value: str
    photos: int
    mean_iou: float
    iou: list[float]


def counts_of(photos: pa.Table, size: str, classes: int) -> NDArray[np.int64]:
    """The photos' counts as int64 [photos, C, C], truth by prediction; `size` is one of SIZES."""
    return _array(photos, f"counts_{size}").reshape(-1, classes, classes)


def boundary_of(photos: pa.Table, size: str, classes: int) -> NDArray[np.int64] | None:
    """The photos' overlaps of boundary bands as int64 [photos, C, 2].

    None where they were not counted: the run, or the model that it judged, is of an older version.
    """
    column = f"boundary_{size}"
    return _array(photos, column).reshape(-1, classes, 2) if _is_counted(photos, column) else None


def calibration_of(photos: pa.Table, size: str) -> NDArray[np.int64] | None:
    """The photos' counts by confidence as int64 [photos, bins, 3]; None as in `boundary_of`."""
    column = f"calibration_{size}"
    return _array(photos, column).reshape(len(photos), -1, 3) if _is_counted(photos, column) else None


def _is_counted(photos: pa.Table, column: str) -> bool:
    return column in photos.column_names and photos.column(column).null_count == 0


def _array(photos: pa.Table, column: str) -> NDArray[np.int64]:
    chunk = photos.column(column).combine_chunks()
    return chunk.flatten().to_numpy(zero_copy_only=False).astype(np.int64)


def slice_scores(photos: pa.Table, feature: str, classes: int) -> list[SliceScore]:
    """Scores of each value of a slice feature, best first."""
    values = np.array([value or "not given" for value in photos.column(feature).to_pylist()])
    counts_of_photos = counts_of(photos, "model", classes)
    scores = []
    for value in np.unique(values):
        chosen = values == value
        counts = counts_of_photos[chosen].sum(axis=0)
        scores.append(
            SliceScore(
                value=str(value),
                photos=int(chosen.sum()),
                mean_iou=float(mean_iou(counts)),
                iou=iou_per_class(counts).tolist(),
            )
        )
    return sorted(scores, key=lambda score: -np.nan_to_num(score.mean_iou, nan=-1.0))
