"""The Dice coefficient, from confusion counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import CONFUSION
from petseg.metrics.iou import iou_per_class
from petseg.metrics.metric import Metric


def dice_per_class(counts: ArrayLike) -> NDArray[np.float64]:
    """Dice coefficient of each class, the F1 score of its pixels: 2 IoU / (1 + IoU).

    Args:
        counts: [..., classes, classes], pixels by label and prediction.

    Returns:
        float64 [..., classes] in 0 to 1; NaN where the class occurs neither in labels nor in prediction.
    """
    iou = iou_per_class(counts)
    return 2 * iou / (1 + iou)


METRICS = (
    Metric(
        name="dice",
        title="Dice",
        description="Dice coefficient, the F1 score of the pixels of a class.",
        counts=CONFUSION,
        function=dice_per_class,
        per_class=True,
    ),
)
