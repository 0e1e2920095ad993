"""What a metric is, and the arithmetic that metrics share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Metric:
    """A number made of the counts of many photos.

    Attributes:
        name: In results, thresholds and files, such as `mean_iou`.
        title: In tables, such as `mean IoU`.
        description: What it says, in one sentence.
        counts: The output of the `evaluate` signature that it is made of (`trainer.export.counts`).
        function: From summed counts, int64 [..., *shape of the output], to float64 [...], or [..., classes]
            if it is per class; NaN where nothing was counted.
        per_class: Whether there is one value for each class.
        mean_of: Name of the metric per class whose mean this is.
        takes_foreground: Whether `function` also takes the ids of the foreground classes. The metric exists
            only where the settings name a foreground.
        higher_is_better: Its direction.
        bounds: The least and the largest value it can have.
    """

    name: str
    title: str
    description: str
    counts: str
    function: Callable[..., NDArray[np.float64]]
    per_class: bool = False
    mean_of: str | None = None
    takes_foreground: bool = False
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Divides arrays of one shape; NaN where the denominator is not positive."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    return np.divide(numerator, denominator, out=np.full(denominator.shape, np.nan), where=denominator > 0)


def mean_over_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the classes that have a value.

    Args:
        values: [..., classes]; NaN for a class that does not occur.

    Returns:
        float64 [...]; NaN where no class occurs.
    """
    occurs = ~np.isnan(values)
    return ratio(np.where(occurs, values, 0.0).sum(-1), occurs.sum(-1))
