"""What `exports.json` says of a format."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.exporter.comparison import Compared
from components.exporter.latency import Latency
from components.exporter.verdict import SliceLoss, Verdict
from petseg.class_table import ClassTable
from petseg.evaluation.exports import ACCEPTED, REFUSED

ABSENT = (
    "file",
    "bytes",
    "examples",
    "mean_iou",
    "iou",
    "difference",
    "interval",
    "pixel_agreement",
    "least_equal",
    "worst_slice",
    "latency_ms",
    "stays_float",
)
"""Keys that are null where there is no file."""


def evaluated_entry(
    file: Path,
    compared: Compared,
    verdict: Verdict,
    latency: Latency,
    stays_float: Sequence[str],
    classes: ClassTable,
) -> dict[str, Any]:
    """The entry of a file that was evaluated.

    `mean_iou` and `iou` are at native resolution, `difference` is the file's mean IoU minus the model's,
    `interval` its 95% interval. `worst_slice` is the one with the largest loss. `stays_float` names the
    operations of a quantized file that compute in float.
    """
    intersection, union = np.stack(compared.file).sum(axis=0)
    iou = [
        float(inside / outside) if outside else None
        for inside, outside in zip(intersection, union, strict=True)
    ]
    known = [value for value in iou if value is not None]
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "examples": len(compared.names),
        "mean_iou": sum(known) / len(known) if known else None,
        "iou": dict(zip(classes.names, iou, strict=True)),
        **_difference(verdict.overall),
        "pixel_agreement": compared.agreement,
        "least_equal": compared.least_equal.name if compared.least_equal else None,
        "worst_slice": _slice(verdict.slices[0]) if verdict.slices else None,
        "warnings": verdict.warnings,
        "verdict": ACCEPTED if verdict.accepted else REFUSED,
        "reason": verdict.reason,
        "latency_ms": dataclasses.asdict(latency),
        "stays_float": list(stays_float),
    }


def failed_entry(reason: str) -> dict[str, Any]:
    """The entry of a format that the model could not be converted to."""
    return dict.fromkeys(ABSENT) | {"warnings": [], "verdict": REFUSED, "reason": reason}


def _slice(loss: SliceLoss) -> dict[str, Any]:
    return {"name": loss.name, "examples": loss.examples, **_difference(loss), "class": loss.worst_class}


def _difference(loss: SliceLoss) -> dict[str, Any]:
    difference = loss.difference
    return {
        "difference": _number(difference.value),
        "interval": [_number(difference.low), _number(difference.high)],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
