"""The scores of slices, from the counts of the photos."""

import dataclasses

import numpy as np
import pyarrow as pa

from components.confusion import iou_per_class, mean_iou

COUNTS = {"model": "counts_model", "photo": "counts_photo"}
"""Columns of photos.parquet with counts at the model's size and at the photo's own."""


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


def counts_of(photos: pa.Table, size: str, classes: int) -> np.ndarray:
    """The photos' counts as int64 [photos, C, C]; `size` is "model" or "photo"."""
    column = photos.column(COUNTS[size]).combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).astype(np.int64).reshape(-1, classes, classes)


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
