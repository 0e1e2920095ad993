"""The best kept version: against it a slow decline shows, which no run's regression limit stops alone.

Each run may be a little worse than production, so that production can ratchet down run by run.
"""

from typing import Any

from petseg.versions import list_versions, version_evaluation


def best_kept(directory: str, evaluation: dict[str, Any]) -> dict[str, Any] | None:
    """Compares a model with the best version in the push folder that was evaluated on the same test examples.

    Args:
        directory: The push folder.
        evaluation: Content of the model's evaluation.json.

    Returns:
        `version`, its `mean_iou` at model resolution, and `difference`: the model's minus that. None where no
        version was evaluated on the same examples.
    """
    mean_iou = evaluation["model"]["mean_iou"]
    if mean_iou is None or "examples_sha256" not in evaluation:
        return None
    kept = {}
    for version in map(str, list_versions(directory)):
        earlier = version_evaluation(directory, version)
        if earlier and earlier.get("examples_sha256") == evaluation["examples_sha256"]:
            kept[version] = earlier["model"]["mean_iou"]
    kept = {version: value for version, value in kept.items() if value is not None}
    if not kept:
        return None
    # Of equal ones the newest.
    best = max(reversed(kept), key=kept.__getitem__)
    return {"version": best, "mean_iou": kept[best], "difference": mean_iou - kept[best]}
