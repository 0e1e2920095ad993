"""Calibration from counts, in NumPy: whether of the pixels called 80 % sure 80 % are right."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import CONFIDENCE_UNITS


def calibration_error(bins: ArrayLike) -> NDArray[np.float64]:
    """Expected calibration error (Guo et al. 2017, "On Calibration of Modern Neural Networks").

    The mean over pixels of the distance between the confidence and the accuracy of their bin, where a pixel's
    confidence is the predicted class's probability.

    Args:
        bins: int [..., bins, 3], for each bin of confidence: pixels, those whose class was found, and the sum
            of their confidences in 1 / CONFIDENCE_UNITS.

    Returns:
        float64 [...] in 0 to 1, 0 for a perfectly calibrated model; NaN where nothing was counted.
    """
    pixels, right, confidence = np.moveaxis(np.asarray(bins, np.float64), -1, 0)
    distance = np.abs(confidence / CONFIDENCE_UNITS - right).sum(-1)
    total = pixels.sum(-1)
    return np.divide(distance, total, out=np.full(total.shape, np.nan), where=total > 0)
