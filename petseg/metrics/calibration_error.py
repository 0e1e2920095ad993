"""Calibration, from counts by confidence: whether 80 % of the pixels with a confidence of 0.8 are correct."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petseg.metrics.counting import CALIBRATION, CONFIDENCE_UNITS
from petseg.metrics.metric import Metric, ratio


def calibration_error(bins: ArrayLike) -> NDArray[np.float64]:
    """Expected calibration error (Guo et al. 2017, "On Calibration of Modern Neural Networks").

    The mean over pixels of the distance between the confidence and the accuracy of their bin, where a pixel's
    confidence is the probability of the predicted class.

    Args:
        bins: int [..., bins, 3], for each bin of confidence: pixels, correct pixels, and the sum of their
            confidences in 1 / CONFIDENCE_UNITS.

    Returns:
        float64 [...] in 0 to 1, 0 for a perfectly calibrated model; NaN where nothing was counted.
    """
    pixels, correct, confidence = np.moveaxis(np.asarray(bins, np.float64), -1, 0)
    return ratio(np.abs(confidence / CONFIDENCE_UNITS - correct).sum(-1), pixels.sum(-1))


METRICS = (
    Metric(
        name="calibration_error",
        title="calibration error",
        description="Expected calibration error: how far the confidence of the pixels is from the share of "
        "correct ones (Guo et al. 2017).",
        counts=CALIBRATION,
        function=calibration_error,
        higher_is_better=False,
    ),
)
