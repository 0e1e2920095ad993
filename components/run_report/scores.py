"""Metrics of slices, from the counts of the photos."""

import dataclasses

import numpy as np
import pyarrow as pa

from petseg.evaluation.photo_counts import read_overlaps
from petseg.metrics.iou import iou_of_overlaps, mean_iou_of_overlaps


@dataclasses.dataclass(frozen=True)
class SliceScore:
    """IoU of the photos that share one value of a slice feature.

    Attributes:
        value: The feature's value.
        photos: Number of photos.
        mean_iou: At model resolution.
        iou: Of each class at model resolution; NaN for a class absent from labels and prediction.
    """

    value: str
    photos: int
    mean_iou: float
    iou: list[float]


def slice_scores(photos: pa.Table, feature: str, classes: int) -> list[SliceScore]:
    """IoU for each value of a slice feature, best first."""
    values = np.array([value or "not given" for value in photos.column(feature).to_pylist()])
    overlaps_of_photos = read_overlaps(photos, "model", classes)
    scores = []
    for value in np.unique(values):
        chosen = values == value
        overlaps = overlaps_of_photos[chosen].sum(axis=0)
        scores.append(
            SliceScore(
                value=str(value),
                photos=int(chosen.sum()),
                mean_iou=float(mean_iou_of_overlaps(overlaps)),
                iou=iou_of_overlaps(overlaps).tolist(),
            )
        )
    return sorted(scores, key=lambda score: -np.nan_to_num(score.mean_iou, nan=-1.0))
