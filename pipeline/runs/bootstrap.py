"""Whether two models differ significantly: a paired bootstrap over photos."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petseg.metrics.iou import mean_iou

RESAMPLES = 2000
CONFIDENCE = 0.95
_RESAMPLES_AT_A_TIME = 100
"""Bounds memory: weights are float64 [100, photos]."""


@dataclass(frozen=True)
class Difference:
    """Mean IoU of one model minus that of another model.

    Attributes:
        value: Over all photos.
        low: Lower end of the 95% interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @property
    def real(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def paired_bootstrap(
    before: NDArray[np.int64], after: NDArray[np.int64], *, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """Difference between the mean IoU of two models, with its interval over the choice of photos.

    Photos are resampled with replacement, the same ones for both models. The mean IoU of a resample comes
    from summed counts, as everywhere. The interval is the percentile interval (Efron and Tibshirani 1993,
    chapter 13). It does not cover the variation between trainings with the same settings.

    Args:
        before: int64 [photos, classes, classes], confusion counts of one model.
        after: Those of the other model on the same photos in the same order.
        seed: Of the resampling.
        resamples: Number of resamples.
    """
    photos = len(before)
    flat = np.stack([before, after]).astype(np.float64).reshape(2, photos, -1)
    rng = np.random.default_rng(seed)
    differences = []
    for begin in range(0, resamples, _RESAMPLES_AT_A_TIME):
        draws = min(_RESAMPLES_AT_A_TIME, resamples - begin)
        weights = rng.multinomial(photos, np.full(photos, 1 / photos), size=draws).astype(np.float64)
        scores = mean_iou((weights @ flat).reshape(2, draws, *before.shape[1:]))
        differences.append(scores[1] - scores[0])
    tail = (1 - CONFIDENCE) / 2
    known = np.concatenate(differences)
    known = known[~np.isnan(known)]
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    value = mean_iou(after.sum(axis=0)) - mean_iou(before.sum(axis=0))
    return Difference(float(value), float(low), float(high))
