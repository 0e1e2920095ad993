"""Intersection over union, from confusion counts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import CONFUSION
from petseg.metrics.metric import Metric, mean_over_classes, ratio


def iou_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of each class.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        float64 [..., classes] in 0 to 1; NaN where the class occurs neither in labels nor in prediction.
    """
    return iou_of_overlaps(intersection_and_union(np.asarray(counts, np.float64)))


def iou_of_overlaps(overlaps: ArrayLike) -> NDArray[np.float64]:
    """`iou_per_class` of what `intersection_and_union` returns, [..., 2, classes]."""
    overlaps = np.asarray(overlaps)
    return ratio(overlaps[..., 0, :], overlaps[..., 1, :])


def intersection_and_union(counts: NDArray[Any]) -> NDArray[Any]:
    """The pixels of each class that are in labels and prediction, and in labels or prediction.

    Both can be summed over photos, and are fewer numbers than the confusion counts.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        [..., 2, classes], of the same dtype.
    """
    intersection = np.diagonal(counts, axis1=-2, axis2=-1)
    union = counts.sum(-1) + counts.sum(-2) - intersection
    return np.stack([intersection, union], axis=-2)


def mean_iou(counts: ArrayLike) -> NDArray[np.float64]:
    """Mean of the IoU of the classes that occur in labels or prediction.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        float64 [...] in 0 to 1; NaN where nothing was counted.
    """
    return mean_over_classes(iou_per_class(counts))


def mean_iou_of_overlaps(overlaps: ArrayLike) -> NDArray[np.float64]:
    """`mean_iou` of what `intersection_and_union` returns, [..., 2, classes]."""
    return mean_over_classes(iou_of_overlaps(overlaps))


def binary_iou(counts: ArrayLike, foreground: Sequence[int]) -> NDArray[np.float64]:
    """IoU of several classes taken as one: confusing one of them with another is no error.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.
        foreground: Ids of the foreground classes.

    Returns:
        float64 [...] in 0 to 1; NaN where none of them occurs in labels or prediction.
    """
    counts = np.asarray(counts, np.float64)
    is_foreground = np.isin(np.arange(counts.shape[-1]), foreground)
    either = is_foreground[:, None] | is_foreground
    both = is_foreground[:, None] & is_foreground
    return ratio((counts * both).sum((-2, -1)), (counts * either).sum((-2, -1)))


MEAN_IOU = Metric(
    name="mean_iou",
    title="mean IoU",
    description="Mean of the IoU of the classes that occur.",
    counts=CONFUSION,
    function=mean_iou,
    mean_of="iou",
)
BINARY_IOU = Metric(
    name="binary_iou",
    title="binary IoU",
    description="IoU of all foreground classes together against the rest.",
    counts=CONFUSION,
    function=binary_iou,
    takes_foreground=True,
)
IOU = Metric(
    name="iou",
    title="IoU",
    description="Intersection over union: of the pixels that have the class in labels or prediction, the "
    "share that has it in both.",
    counts=CONFUSION,
    function=iou_per_class,
    per_class=True,
)
METRICS = (MEAN_IOU, BINARY_IOU, IOU)
