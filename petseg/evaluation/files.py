"""The files of an evaluation, and those of the last release."""

from collections.abc import Iterable
from typing import Any

from petseg.evaluation.resolutions import FORMER_NATIVE

EVALUATION_FILE = "evaluation.json"
"""Metrics, verdict and reason."""

FORMER_EVALUATION_FILE = "judgement.json"
"""Its name in the last release."""

PHOTOS_FILE = "photos.parquet"
"""Counts of each photo."""


def evaluation_file(names: Iterable[str]) -> str:
    """Name of the evaluation's file in a folder with these files: the last release called it otherwise."""
    return FORMER_EVALUATION_FILE if FORMER_EVALUATION_FILE in names else EVALUATION_FILE


def with_native_group(metrics: dict[str, Any]) -> dict[str, Any]:
    """Content of metrics.json or of the evaluation's file, with the group `native` as this release names it.

    Args:
        metrics: As read; the last release wrote `photo` instead of `native`, also in `baseline`.
    """
    named = {"native" if key == FORMER_NATIVE else key: value for key, value in metrics.items()}
    # This release writes both keys for a while.
    named["native"] = metrics.get("native", metrics.get(FORMER_NATIVE))
    if named.get("baseline"):
        named["baseline"] = with_native_group(named["baseline"])
    return named
