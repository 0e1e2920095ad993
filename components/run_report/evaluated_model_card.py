"""The model card of the run: the model's own, and how the model was evaluated."""

import os
from typing import Any

from tfx.dsl.io import fileio

from components.run_report.inputs import RunInputs
from components.run_report.metrics_json import verdict
from petseg.evaluation.resolutions import RESOLUTION_TITLES
from petseg.metrics.registry import MetricEntry, metric_entries
from petseg.saved_model import EXTRA_FOLDER, MODEL_CARD_FILE


def model_card(inputs: RunInputs) -> str:
    """The card from the model's assets.extra/ in Markdown, with the evaluation, which Trainer cannot know."""
    path = os.path.join(inputs.model_dir, EXTRA_FOLDER, MODEL_CARD_FILE)
    card = f"# Model of run {inputs.run_id}\n"
    if fileio.exists(path):
        with fileio.open(path, "rb") as file:
            card = file.read().decode()
    return f"{card.rstrip()}\n\n{_evaluation(inputs)}"


def _evaluation(inputs: RunInputs) -> str:
    evaluation = inputs.evaluation
    blessed, reason = verdict(inputs)
    groups = {title: evaluation[resolution] for resolution, title in RESOLUTION_TITLES.items()}
    if evaluation["baseline"] is not None:
        for resolution, title in RESOLUTION_TITLES.items():
            groups[f"in production, {title}"] = evaluation["baseline"][resolution]
    rows = ["| Metric | " + " | ".join(groups) + " |", "|---|" + "---:|" * len(groups)]
    for entry in metric_entries(inputs.classes.names, has_foreground=True):
        values = [_value(group, entry) for group in groups.values()]
        if any(value is not None for value in values):
            rows.append(f"| {entry.title} | " + " | ".join(map(_text, values)) + " |")
    return "\n".join(
        [
            "## Evaluation",
            "",
            f"Run `{inputs.run_id}`, {evaluation['examples']} photos of the split `{evaluation['split']}`: "
            f"{'blessed' if blessed else 'refused'}. {reason}",
            "",
            *rows,
            "",
        ]
    )


def _value(group: dict[str, Any], entry: MetricEntry) -> float | None:
    """A metric's value; None where it does not exist, or an older version did not measure it."""
    value = group.get(entry.metric.name)
    return value.get(entry.class_name) if isinstance(value, dict) else value


def _text(value: float | None) -> str:
    return "absent" if value is None else f"{value:.4f}"
