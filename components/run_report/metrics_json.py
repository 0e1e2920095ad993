"""The run's figures for scripts: metrics.json."""

from typing import Any

from components.run_report.inputs import RunInputs


def verdict(inputs: RunInputs) -> tuple[bool, str]:
    """Whether Evaluator and ServingCheck both let the model pass, and why, in one line."""
    judgement, check = inputs.judgement, inputs.serving_check
    if judgement["blessed"] and check is not None and not check["passed"]:
        return False, f"serving check: {check['reason']}"
    return judgement["blessed"], judgement["reason"]


def metrics_json(inputs: RunInputs) -> dict[str, Any]:
    """The content of metrics.json.

    Seconds and memory are null: a node cannot know them; who runs the pipeline adds them.
    """
    blessed, reason = verdict(inputs)
    return {
        **{key: inputs.judgement[key] for key in ("model", "photo", "split", "examples")},
        "blessed": blessed,
        "reason": reason,
        "baseline": inputs.judgement["baseline"],
        "settings_sha256": inputs.settings_sha256,
        "seconds": None,
        "peak_memory_mb": None,
    }
