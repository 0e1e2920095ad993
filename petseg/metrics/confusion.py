"""Figures from confusion counts, in NumPy: what metrics, report and comparison share.

Counts are int64 of shape [..., C, C], truth by prediction; ignored pixels are not in them. Figures of a data
set come from summed counts, never from an average over photos. A class that occurs neither in truth nor in
prediction has no IoU: it is NaN, and the mean is over the classes that occur in one of the two.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def iou_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of each class.

    Args:
        counts: [..., C, C], pixels by truth and prediction.

    Returns:
        float64 [..., C] in 0 to 1; NaN where the class occurs neither in truth nor in prediction.
    """
    counts = np.asarray(counts, np.float64)
    intersection = np.diagonal(counts, axis1=-2, axis2=-1)
    union = counts.sum(-1) + counts.sum(-2) - intersection
    return np.divide(intersection, union, out=np.full(union.shape, np.nan), where=union > 0)


def mean_iou(counts: ArrayLike) -> NDArray[np.float64]:
    """Mean of the IoU of the classes that occur in truth or prediction.

    Args:
        counts: [..., C, C], pixels by truth and prediction.

    Returns:
        float64 [...] in 0 to 1; NaN where nothing was counted.
    """
    return mean_over_classes(iou_per_class(counts))


def mean_over_classes(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the classes' figures, those left out that are NaN because the class does not occur.

    Args:
        figures: [..., C].

    Returns:
        float64 [...]; NaN where no class occurs.
    """
    occurs = ~np.isnan(figures)
    number = occurs.sum(-1)
    total = np.where(occurs, figures, 0.0).sum(-1)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def pixel_accuracy(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the pixels whose class was found.

    Args:
        counts: [..., C, C], pixels by truth and prediction.

    Returns:
        float64 [...] in 0 to 1; NaN where nothing was counted.
    """
    counts = np.asarray(counts, np.float64)
    right = np.diagonal(counts, axis1=-2, axis2=-1).sum(-1)
    total = counts.sum((-2, -1))
    return np.divide(right, total, out=np.full(total.shape, np.nan), where=total > 0)


def dice_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Dice coefficient of each class, the F1 score of its pixels: 2 IoU / (1 + IoU).

    Args:
        counts: [..., C, C], pixels by truth and prediction.

    Returns:
        float64 [..., C] in 0 to 1; NaN where the class occurs neither in truth nor in prediction.
    """
    iou = iou_per_class(counts)
    return 2 * iou / (1 + iou)


def precision_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the pixels predicted as a class that have it.

    Args:
        counts: [..., C, C], pixels by truth and prediction.

    Returns:
        float64 [..., C] in 0 to 1; NaN where the class was never predicted.
    """
    return _diagonal_over_sum(counts, axis=-2)


def recall_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of a class's pixels that were found.

    Args:
        counts: [..., C, C], pixels by truth and prediction.

    Returns:
        float64 [..., C] in 0 to 1; NaN where the truth has no pixel of the class.
    """
    return _diagonal_over_sum(counts, axis=-1)


def binary_iou(counts: ArrayLike, foreground: Sequence[int]) -> NDArray[np.float64]:
    """IoU of several classes taken as one: mistaking one of them for another is no mistake.

    Args:
        counts: [..., C, C], pixels by truth and prediction.
        foreground: Ids of the classes that are the foreground.

    Returns:
        float64 [...] in 0 to 1; NaN where none of them occurs in truth or prediction.
    """
    counts = np.asarray(counts, np.float64)
    is_foreground = np.isin(np.arange(counts.shape[-1]), foreground)
    either = is_foreground[:, None] | is_foreground
    both = is_foreground[:, None] & is_foreground
    union = (counts * either).sum((-2, -1))
    intersection = (counts * both).sum((-2, -1))
    return np.divide(intersection, union, out=np.full(union.shape, np.nan), where=union > 0)


def _diagonal_over_sum(counts: ArrayLike, axis: int) -> NDArray[np.float64]:
    counts = np.asarray(counts, np.float64)
    total = counts.sum(axis)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.divide(right, total, out=np.full(total.shape, np.nan), where=total > 0)
