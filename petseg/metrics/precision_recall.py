"""Precision and recall of each class, from confusion counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import CONFUSION
from petseg.metrics.metric import Metric, ratio


def precision_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the pixels predicted as a class that have it.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        float64 [..., classes] in 0 to 1; NaN where the class was never predicted.
    """
    return _diagonal_over_sum(counts, axis=-2)


def recall_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the pixels of a class that are predicted as it.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        float64 [..., classes] in 0 to 1; NaN where no pixel is labeled with the class.
    """
    return _diagonal_over_sum(counts, axis=-1)


def _diagonal_over_sum(counts: ArrayLike, axis: int) -> NDArray[np.float64]:
    counts = np.asarray(counts, np.float64)
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis))


METRICS = (
    Metric(
        name="precision",
        title="precision",
        description="Share of the pixels predicted as a class that have it.",
        counts=CONFUSION,
        function=precision_per_class,
        per_class=True,
    ),
    Metric(
        name="recall",
        title="recall",
        description="Share of the pixels of a class that are predicted as it.",
        counts=CONFUSION,
        function=recall_per_class,
        per_class=True,
    ),
)
