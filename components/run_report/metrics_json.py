"""The run's metrics for scripts: metrics.json."""

from typing import Any

from components.run_report.inputs import RunInputs
from petseg.evaluation.resolutions import FORMER_NATIVE


def verdict(inputs: RunInputs) -> tuple[bool, str]:
    """Whether Evaluator, ServingCheck and Pusher all passed the model, and why, in one line."""
    evaluation, check, push = inputs.evaluation, inputs.serving_check, inputs.push
    if evaluation["blessed"] and check is not None and not check["passed"]:
        return False, f"serving check: {check['reason']}"
    if evaluation["blessed"] and push is not None and push["version"] is None:
        return False, f"push: {push['reason']}"
    return evaluation["blessed"], evaluation["reason"]


def metrics_json(inputs: RunInputs) -> dict[str, Any]:
    """The content of metrics.json.

    Seconds and memory are null: a node cannot know them, the local runner adds them. The key `photo` is a
    copy of `native` under the name of the last release.
    """
    blessed, reason = verdict(inputs)
    evaluation = inputs.evaluation
    return {
        "model": evaluation["model"],
        "native": evaluation["native"],
        FORMER_NATIVE: evaluation["native"],
        "mean_iou_interval": evaluation.get("mean_iou_interval"),
        "split": evaluation["split"],
        "examples": evaluation["examples"],
        "blessed": blessed,
        "reason": reason,
        "baseline": evaluation["baseline"],
        "settings_sha256": inputs.settings_sha256,
        "seconds": None,
        "peak_memory_mb": None,
        **({"exports": _exports(inputs)} if inputs.exports else {}),
    }


def _exports(inputs: RunInputs) -> dict[str, dict[str, Any]]:
    """The outcome of each format; the key is there if the run exports."""
    keys = ("verdict", "reason", "bytes", "mean_iou", "difference")
    return {exported.name: {key: exported.entry[key] for key in keys} for exported in inputs.exports}
