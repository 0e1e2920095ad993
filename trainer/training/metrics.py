"""What the history of a training records of the confusion counts of an epoch."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from petseg.metrics.iou import iou_per_class, mean_iou


def epoch_metrics(counts: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Mean IoU and IoU per class, as JSON holds them.

    Where a metric is NaN in `petseg.metrics`, because nothing was counted, the history has a value that can
    be compared and written: a mean IoU of 0, and None for a class that is absent from labels and prediction.

    Args:
        counts: int [classes, classes], labels by prediction.
        class_names: In the order of class ids.

    Returns:
        `mean_iou`, and `iou` {class name: value or None}.
    """
    mean = float(mean_iou(counts))
    return {
        "mean_iou": 0.0 if math.isnan(mean) else mean,
        "iou": {
            name: None if math.isnan(iou) else float(iou)
            for name, iou in zip(class_names, iou_per_class(counts), strict=True)
        },
    }
