"""All figures of a judged run from its summed counts, named as tables name them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from petseg.metrics.boundary import boundary_iou_per_class, mean_boundary_iou
from petseg.metrics.calibration import calibration_error
from petseg.metrics.confusion import (
    binary_iou,
    dice_per_class,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
    precision_per_class,
    recall_per_class,
)


def figures_by_name(
    counts: NDArray[np.int64],
    boundary: NDArray[np.int64] | None,
    calibration: NDArray[np.int64] | None,
    names: Sequence[str],
    foreground: Sequence[int],
) -> dict[str, float]:
    """Figures by name: first those of all classes, then those of each.

    Args:
        counts: [C, C], pixels by truth and prediction.
        boundary: [C, 2], see components.boundary; None where nobody counted it.
        calibration: [bins, 3], see components.calibration; None where nobody counted it.
        names: Of the classes.
        foreground: Ids of the classes that the binary IoU takes as one; none: it is left out.

    Returns:
        Values in 0 to 1; NaN where a figure does not exist.
    """
    of_classes = {
        "IoU": iou_per_class(counts),
        "boundary IoU": np.full(len(names), np.nan) if boundary is None else boundary_iou_per_class(boundary),
        "Dice": dice_per_class(counts),
        "precision": precision_per_class(counts),
        "recall": recall_per_class(counts),
    }
    figures = {
        "mean IoU": mean_iou(counts),
        **({"binary IoU": binary_iou(counts, foreground)} if foreground else {}),
        "pixel accuracy": pixel_accuracy(counts),
        "mean boundary IoU": np.nan if boundary is None else mean_boundary_iou(boundary),
        "calibration error": np.nan if calibration is None else calibration_error(calibration),
        **{
            f"{figure} {name}": value
            for figure, values in of_classes.items()
            for name, value in zip(names, values, strict=True)
        },
    }
    return {name: float(value) for name, value in figures.items()}
