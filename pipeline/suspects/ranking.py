"""Ranks examples by how confidently a model disagrees with their labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from petseg.class_table import ClassTable
from petseg.evaluation.label_quality import label_quality
from petseg.metrics.iou import mean_iou


@dataclass(frozen=True)
class Counted:
    """What a model counts of an example at native resolution, or why it cannot.

    Attributes:
        name: Of the photo; the file where it cannot be read.
        confusion: int64 [classes, classes], pixels by label and prediction; None if it cannot be counted.
        calibration: int64 [bins, 3], see petseg.metrics.counting; None if it cannot be counted.
        reason: Why it cannot be counted.
    """

    name: str
    confusion: np.ndarray | None = None
    calibration: np.ndarray | None = None
    reason: str = ""


@dataclass(frozen=True)
class Confusion:
    """Pixels with one label and another prediction.

    Attributes:
        labeled: Class of the labels.
        predicted: Class of the prediction.
        share: Of the pixels that are not ignored.
    """

    labeled: str
    predicted: str
    share: float


@dataclass(frozen=True)
class Suspect:
    """An example and how much the model disagrees with its labels.

    Attributes:
        name: Of the photo.
        split: Its split.
        quality: Label quality, 0 to 1, see `petseg.evaluation.label_quality`; None if it is not known.
        mean_iou: Of the prediction, at native resolution; None if it is not known.
        disagreeing: Share of the pixels whose prediction is not their label.
        confusions: The most frequent first.
        reason: Why its quality is not known.
    """

    name: str
    split: str
    quality: float | None
    mean_iou: float | None
    disagreeing: float
    confusions: tuple[Confusion, ...]
    reason: str = ""

    def to_dict(self, rank: int) -> dict[str, Any]:
        """For `--json`."""
        return {
            "rank": rank if self.quality is not None else None,
            "name": self.name,
            "split": self.split,
            "label_quality": self.quality,
            "disagreeing": self.disagreeing,
            "mean_iou": self.mean_iou,
            "confusions": [vars(confusion) for confusion in self.confusions],
            "reason": self.reason,
        }


def rank(suspects: Iterable[Suspect]) -> list[Suspect]:
    """The most suspicious examples first; those whose quality is not known come last."""
    return sorted(
        suspects,
        key=lambda one: (one.quality is None, one.quality, -one.disagreeing, one.split, one.name),
    )


def suspect(split: str, counted: Counted, classes: ClassTable) -> Suspect:
    """What the counts of an example say of its labels."""
    if counted.confusion is None or counted.calibration is None:
        return Suspect(counted.name, split, None, None, 0.0, (), counted.reason)
    pixels = int(counted.confusion.sum())
    if not pixels:
        return Suspect(counted.name, split, None, None, 0.0, (), "all its pixels are ignored")
    off_diagonal = counted.confusion * (1 - np.eye(len(classes), dtype=np.int64))
    order = np.argsort(-off_diagonal, axis=None, kind="stable")[:3]
    confusions = tuple(
        Confusion(
            classes.names[label], classes.names[predicted], float(off_diagonal[label, predicted] / pixels)
        )
        for label, predicted in zip(*np.unravel_index(order, off_diagonal.shape), strict=True)
        if off_diagonal[label, predicted]
    )
    return Suspect(
        name=counted.name,
        split=split,
        quality=float(label_quality(counted.calibration)),
        mean_iou=float(mean_iou(counted.confusion)),
        disagreeing=float(off_diagonal.sum() / pixels),
        confusions=confusions,
    )
