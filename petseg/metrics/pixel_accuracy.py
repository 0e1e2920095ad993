"""Pixel accuracy, from confusion counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import CONFUSION
from petseg.metrics.metric import Metric, ratio


def pixel_accuracy(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the pixels that are predicted correctly.

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        float64 [...] in 0 to 1; NaN where nothing was counted.
    """
    counts = np.asarray(counts, np.float64)
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1).sum(-1), counts.sum((-2, -1)))


METRICS = (
    Metric(
        name="pixel_accuracy",
        title="pixel accuracy",
        description="Share of the pixels that are predicted correctly.",
        counts=CONFUSION,
        function=pixel_accuracy,
    ),
)
