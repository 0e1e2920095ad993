"""How certain a mean IoU, or the difference of two, is: a bootstrap over photos."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from petseg.metrics.iou import intersection_and_union
from petseg.metrics.metric import mean_over_classes, ratio

RESAMPLES = 2000
CONFIDENCE = 0.95
_RESAMPLES_AT_A_TIME = 100
_NUMBERS_AT_A_TIME = 2**21
"""Bounds memory: of the weights [resamples, photos] and the sums [resamples, 2 * classes]."""


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


def sparse_overlaps(parts: Iterable[NDArray[np.int64]]) -> sparse.csr_array:
    """Holds the overlaps of many photos without the classes that a photo does not have.

    Args:
        parts: int64 [some photos, 2, classes] each, `intersection_and_union`.

    Returns:
        float64 [photos, 2 * classes], 12 bytes for each number that is not zero.
    """
    rows = [sparse.csr_array(part.reshape(len(part), -1).astype(np.float64)) for part in parts]
    return sparse.csr_array(sparse.vstack(rows, format="csr"))


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
    models = [sparse_overlaps([before]), sparse_overlaps([after])]
    differences = [scores[1] - scores[0] for scores in _resampled(models, seed, resamples)]
    summed = np.stack([before.sum(axis=0), after.sum(axis=0)])
    mean_ious = mean_over_classes(ratio(summed[:, 0], summed[:, 1]))
    return Difference(float(mean_ious[1] - mean_ious[0]), *_interval(np.concatenate(differences)))


def mean_iou_interval(
    pixels: NDArray[np.int64] | sparse.csr_array, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The 95% interval of a mean IoU over the choice of photos; see `paired_bootstrap`.

    Args:
        pixels: int64 [photos, 2, classes], `intersection_and_union` of each photo, or `sparse_overlaps`.
        seed: Of the resampling.
        resamples: Number of resamples.

    Returns:
        Its ends; NaN where no photo has a labeled pixel.
    """
    overlaps = pixels if isinstance(pixels, sparse.csr_array) else sparse_overlaps([pixels])
    return _interval(np.concatenate([scores[0] for scores in _resampled([overlaps], seed, resamples)]))


def _resampled(
    models: Sequence[sparse.csr_array], seed: int, resamples: int
) -> Iterator[NDArray[np.float64]]:
    """Yields mean IoUs of some resamples at a time: [models, resamples]."""
    photos, numbers = models[0].shape
    at_a_time = min(_RESAMPLES_AT_A_TIME, max(1, _NUMBERS_AT_A_TIME // max(photos, numbers)))
    rng = np.random.default_rng(seed)
    for begin in range(0, resamples, at_a_time):
        draws = min(at_a_time, resamples - begin)
        # [photos, resamples]; drawn one resample after the other, however many at a time.
        weights = rng.multinomial(photos, np.full(photos, 1 / photos), size=draws).T.astype(np.float64)
        summed = np.stack([(overlaps.T @ weights).T.reshape(draws, 2, -1) for overlaps in models])
        yield mean_over_classes(ratio(summed[:, :, 0], summed[:, :, 1]))


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the values that are known."""
    known = values[~np.isnan(values)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    return float(low), float(high)
