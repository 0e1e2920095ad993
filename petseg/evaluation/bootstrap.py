"""How certain a mean IoU, or the difference of two, is: a bootstrap over photos."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petseg.metrics.iou import intersection_and_union
from petseg.metrics.metric import mean_over_classes, ratio

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
    return paired_difference(
        intersection_and_union(before), intersection_and_union(after), seed=seed, resamples=resamples
    )


def paired_difference(
    before: NDArray[np.int64], after: NDArray[np.int64], *, seed: int, resamples: int = RESAMPLES
) -> Difference:
    """`paired_bootstrap` of fewer numbers than the confusion counts.

    Args:
        before: int64 [photos, 2, classes], `intersection_and_union` of each photo by one model.
        after: The same of the other model.
        seed: Of the resampling.
        resamples: Number of resamples.
    """
    pixels = np.stack([before, after])
    differences = [scores[1] - scores[0] for scores in _resampled(pixels, seed, resamples)]
    summed = pixels.sum(axis=1)
    mean_ious = mean_over_classes(ratio(summed[:, 0], summed[:, 1]))
    return Difference(float(mean_ious[1] - mean_ious[0]), *_interval(np.concatenate(differences)))


def mean_iou_interval(
    pixels: NDArray[np.int64], *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The 95% interval of a mean IoU over the choice of photos; see `paired_bootstrap`.

    Args:
        pixels: int64 [photos, 2, classes], `intersection_and_union` of each photo.
        seed: Of the resampling.
        resamples: Number of resamples.

    Returns:
        Its ends; NaN where no photo has a labeled pixel.
    """
    scores = [scores[0] for scores in _resampled(pixels[None], seed, resamples)]
    return _interval(np.concatenate(scores))


def _resampled(pixels: NDArray[np.int64], seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """Yields mean IoUs of some resamples at a time: [models, resamples] from [models, photos, 2, classes]."""
    models, photos, _, classes = pixels.shape
    flat = pixels.astype(np.float64).reshape(models, photos, -1)
    rng = np.random.default_rng(seed)
    for begin in range(0, resamples, _RESAMPLES_AT_A_TIME):
        draws = min(_RESAMPLES_AT_A_TIME, resamples - begin)
        weights = rng.multinomial(photos, np.full(photos, 1 / photos), size=draws).astype(np.float64)
        summed = (weights @ flat).reshape(models, draws, 2, classes)
        yield mean_over_classes(ratio(summed[:, :, 0], summed[:, :, 1]))


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the values that are known."""
    known = values[~np.isnan(values)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    return float(low), float(high)
