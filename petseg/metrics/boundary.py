"""Boundary IoU from counts, in NumPy (Cheng et al. 2021, arXiv:2103.16562).

Overlaps are int64 of shape [..., C, 2]: for each class the pixels in both boundary bands, the truth's and the
prediction's, and the pixels in at least one of them. A band is as wide as 2 % of the picture's diagonal, at
the size at which it was counted (trainer/boundary.py).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.confusion import mean_over_classes


def boundary_iou_per_class(overlaps: ArrayLike) -> NDArray[np.float64]:
    """Boundary IoU of each class.

    Args:
        overlaps: [..., C, 2], pixels in both bands and in at least one.

    Returns:
        float64 [..., C] in 0 to 1; NaN where neither truth nor prediction has a boundary of the class.
    """
    in_both, in_one = np.moveaxis(np.asarray(overlaps, np.float64), -1, 0)
    return np.divide(in_both, in_one, out=np.full(in_one.shape, np.nan), where=in_one > 0)


def mean_boundary_iou(overlaps: ArrayLike) -> NDArray[np.float64]:
    """Mean of the boundary IoU of the classes that have a boundary in truth or prediction.

    Args:
        overlaps: [..., C, 2], pixels in both bands and in at least one.

    Returns:
        float64 [...] in 0 to 1; NaN where no class has one.
    """
    return mean_over_classes(boundary_iou_per_class(overlaps))
