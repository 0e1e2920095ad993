"""Sentences about an evaluation that the terminal and the report share."""

from typing import Any


def against_best(best: dict[str, Any]) -> str:
    """How a model compares with the best kept version, from `best_kept` of push.json."""
    relation = "above" if best["difference"] >= 0 else "below"
    return (
        f"mean IoU {abs(best['difference']):.4f} {relation} the {best['mean_iou']:.4f} of version "
        f"{best['version']}, the best one kept of those evaluated on the same test examples"
    )
