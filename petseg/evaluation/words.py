"""Sentences about an evaluation that the terminal and the report share."""

from collections.abc import Sequence
from typing import Any

ENOUGH_EXAMPLES = 30
"""A common rule of thumb for an estimate of a spread; the bootstrap's interval is too narrow for fewer."""


def against_best(best: dict[str, Any]) -> str:
    """How a model compares with the best kept version, from `best_kept` of push.json."""
    relation = "above" if best["difference"] >= 0 else "below"
    return (
        f"mean IoU {abs(best['difference']):.4f} {relation} the {best['mean_iou']:.4f} of version "
        f"{best['version']}, the best one kept of those evaluated on the same test examples"
    )


def interval_in_words(interval: Sequence[float]) -> str:
    """The 95% interval of a mean IoU over the choice of photos."""
    low, high = interval
    return f"95% interval {low:.4f} to {high:.4f}"


def few_examples(examples: int, split: str) -> str:
    """A warning where metrics say little about other photos; empty where there are enough examples."""
    if examples >= ENOUGH_EXAMPLES:
        return ""
    return (
        f"only {examples} {split} examples: with fewer than {ENOUGH_EXAMPLES}, metrics and verdict depend on "
        "which photos they are"
    )
