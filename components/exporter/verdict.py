"""Whether an exported file is good enough, overall and on every slice."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.exporter.comparison import Compared
from components.exporter.settings import ExportSettings
from petseg.class_table import ClassTable
from petseg.evaluation.bootstrap import Difference, paired_difference
from petseg.evaluation.words import ENOUGH_EXAMPLES
from petseg.metrics.metric import ratio

OVERALL = "all examples"


@dataclass(frozen=True)
class SliceLoss:
    """What an exported file loses on a slice.

    Attributes:
        name: `feature = value`, or `all examples`.
        examples: how many are in it.
        difference: mean IoU of the file minus that of the model, at native resolution.
        worst_class: the class whose IoU falls most.
        class_loss: how far it falls.
        limit: largest loss that passes.
        enough: whether there are enough examples to refuse a file.
    """

    name: str
    examples: int
    difference: Difference
    worst_class: str
    class_loss: float
    limit: float
    enough: bool

    @property
    def loss(self) -> float:
        """Upper end of the 95 % interval of the loss in mean IoU."""
        return -self.difference.low

    @property
    def passed(self) -> bool:
        """Whether the loss is within the limit. A loss that is not a number is not."""
        return self.loss <= self.limit

    def sentence(self) -> str:
        """What is lost, in words."""
        return (
            f"{self.name} ({self.examples} examples): mean IoU {-self.difference.value:.4f} lower, up to "
            f"{self.loss:.4f} in the 95% interval, where {self.limit:.4f} is allowed; most on the class "
            f"{self.worst_class}, IoU {self.class_loss:.4f} lower"
        )


@dataclass(frozen=True)
class Verdict:
    """Whether an exported file may leave.

    Attributes:
        overall: on all examples.
        slices: on each slice, the largest loss first.
        accepted: whether nothing is lost that counts.
        reason: one line.
        warnings: slices of too few examples that would be refused; one line each.
    """

    overall: SliceLoss
    slices: list[SliceLoss]
    accepted: bool
    reason: str
    warnings: list[str]


def decide(compared: Compared, settings: ExportSettings, classes: ClassTable) -> Verdict:
    """Compares an exported file's loss with the limits.

    Args:
        compared: The file beside its model.
        settings: The limits.
        classes: The class table.
    """
    model, file = np.stack(compared.model), np.stack(compared.file)
    names = list(classes.names)
    overall = _loss(OVERALL, model, file, names, settings.max_loss, settings.seed)
    slices = [
        _loss(name, model[rows], file[rows], names, settings.max_slice_loss, settings.seed)
        for name, rows in _slices(compared)
    ]
    # Without a labeled pixel there is nothing to compare.
    slices = [entry for entry in slices if not math.isnan(entry.loss)]
    slices.sort(key=lambda slice_loss: slice_loss.loss, reverse=True)
    missed = [entry for entry in (overall, *slices) if entry.enough and not entry.passed]
    if not overall.enough and not overall.passed:
        # Of few examples in all, there is nothing else to decide by.
        missed = [overall, *missed]
    reason = "; ".join(entry.sentence() for entry in missed[:2]) if missed else _accepted(overall)
    warnings = [entry.sentence() for entry in slices if not entry.enough and not entry.passed]
    return Verdict(overall, slices, not missed, reason, warnings)


def _accepted(overall: SliceLoss) -> str:
    low, high = overall.difference.low, overall.difference.high
    return (
        f"mean IoU {overall.difference.value:+.4f} on {overall.examples} examples, 95% interval {low:+.4f} "
        f"to {high:+.4f}"
    )


def _slices(compared: Compared) -> Iterator[tuple[str, NDArray[np.intp]]]:
    rows: dict[tuple[str, str], list[int]] = {}
    for index, values in enumerate(compared.slices):
        for feature, value in values.items():
            rows.setdefault((feature, value), []).append(index)
    for (feature, value), indices in sorted(rows.items()):
        yield f"{feature} = {value}", np.array(indices)


def _loss(
    name: str,
    model: NDArray[np.int64],
    file: NDArray[np.int64],
    classes: list[str],
    limit: float,
    seed: int,
) -> SliceLoss:
    difference = paired_difference(model, file, seed=seed)
    by_class = ratio(*model.sum(axis=0)) - ratio(*file.sum(axis=0))
    worst = int(np.argmax(np.nan_to_num(by_class, nan=-np.inf)))
    return SliceLoss(
        name=name,
        examples=len(model),
        difference=difference,
        worst_class=classes[worst],
        class_loss=float(by_class[worst]),
        limit=limit,
        enough=len(model) >= ENOUGH_EXAMPLES,
    )
