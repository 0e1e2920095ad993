"""Which classes are taken for which others, where a matrix of all pairs is too large to read."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

MOST_PAIRS = 50


@dataclasses.dataclass(frozen=True)
class ConfusedPair:
    """Pixels of one class that were predicted as another.

    Attributes:
        label: Class id of the ground truth.
        prediction: Class id of the prediction.
        pixels: How many there are.
        of_label: Their share of the pixels of the class.
        of_errors: Their share of all wrong pixels.
    """

    label: int
    prediction: int
    pixels: int
    of_label: float
    of_errors: float


def most_confused(counts: NDArray[np.int64]) -> list[ConfusedPair]:
    """The pairs of classes with the most wrong pixels, most first, at most `MOST_PAIRS`.

    Args:
        counts: int64 [classes, classes], pixels by label and prediction.
    """
    wrong = _wrong(counts)
    pixels_of_label, errors = counts.sum(axis=1), wrong.sum()
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = []
    for label, prediction in zip(*np.unravel_index(order, wrong.shape), strict=True):
        pixels = int(wrong[label, prediction])
        if pixels:
            of_label, of_errors = pixels / pixels_of_label[label], pixels / errors
            pairs.append(ConfusedPair(int(label), int(prediction), pixels, float(of_label), float(of_errors)))
    return pairs


def taken_for(counts: NDArray[np.int64]) -> list[ConfusedPair | None]:
    """For each class, the class that it is taken for most often; None where no pixel of it is wrong.

    Args:
        counts: int64 [classes, classes], pixels by label and prediction.
    """
    wrong = _wrong(counts)
    pixels_of_label, errors = counts.sum(axis=1), wrong.sum()
    found: list[ConfusedPair | None] = []
    for label, prediction in enumerate(wrong.argmax(axis=1).tolist()):
        pixels = int(wrong[label, prediction])
        found.append(
            ConfusedPair(label, prediction, pixels, pixels / pixels_of_label[label], pixels / errors)
            if pixels
            else None
        )
    return found


def _wrong(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(np.eye(len(counts), dtype=bool), 0, counts)
