"""What the training loop reads from confusion counts."""

import numpy as np


def class_iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        counts: int [classes, classes], truth by prediction.

    Returns:
        float64 [classes]; NaN for a class that is neither in the truth nor predicted.
    """
    intersection = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - intersection
    return np.divide(intersection, union, out=np.full(len(counts), np.nan), where=union > 0)


def mean_iou(counts: np.ndarray) -> float:
    """Mean of the classes' IoU, absent classes left out; 0 where no pixel counts at all."""
    iou = class_iou(counts)
    return float(np.nanmean(iou)) if counts.sum() else 0.0
