"""Boundary IoU (Cheng et al. 2021, arXiv:2103.16562), from counts of boundary bands.

A band is as wide as 2 % of the image's diagonal, at the resolution at which it was counted
(`trainer.export.counts.boundary_bands`).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import BOUNDARY
from petseg.metrics.metric import Metric, mean_over_classes, ratio


def boundary_iou_per_class(overlaps: ArrayLike) -> NDArray[np.float64]:
    """Boundary IoU of each class.

    Args:
        overlaps: [..., classes, 2], pixels in both bands and in at least one.

    Returns:
        float64 [..., classes] in 0 to 1; NaN where neither labels nor prediction have its boundary.
    """
    in_both, in_one = np.moveaxis(np.asarray(overlaps, np.float64), -1, 0)
    return ratio(in_both, in_one)


def mean_boundary_iou(overlaps: ArrayLike) -> NDArray[np.float64]:
    """Mean of the boundary IoU of the classes that have a boundary in labels or prediction.

    Args:
        overlaps: [..., classes, 2], pixels in both bands and in at least one.

    Returns:
        float64 [...] in 0 to 1; NaN where no class has one.
    """
    return mean_over_classes(boundary_iou_per_class(overlaps))


METRICS = (
    Metric(
        name="mean_boundary_iou",
        title="mean boundary IoU",
        description="Mean of the boundary IoU of the classes that have a boundary.",
        counts=BOUNDARY,
        function=mean_boundary_iou,
        mean_of="boundary_iou",
    ),
    Metric(
        name="boundary_iou",
        title="boundary IoU",
        description="IoU of the pixels of a class within 2% of the image's diagonal from its outline "
        "(Cheng et al. 2021).",
        counts=BOUNDARY,
        function=boundary_iou_per_class,
        per_class=True,
    ),
)
