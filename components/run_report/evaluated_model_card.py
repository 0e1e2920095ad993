"""The model card of the run: the model's own, and how the model was evaluated."""

import math
import os
from typing import Any

from tfx.dsl.io import fileio

from components.run_report.exported_files import markdown_table
from components.run_report.inputs import RunInputs
from components.run_report.metrics_json import verdict
from petseg.evaluation.resolutions import RESOLUTION_TITLES
from petseg.metrics.registry import METRICS, MetricEntry, metric_entries
from petseg.saved_model import EXTRA_FOLDER, MODEL_CARD_FILE

MOST_CLASS_ROWS = 20
"""Classes up to which each metric of each class is a row; above, each class is one."""


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
    entries = metric_entries(inputs.classes.names, has_foreground=True)
    is_long = len(inputs.classes) > MOST_CLASS_ROWS
    for entry in entries if not is_long else [entry for entry in entries if entry.class_name is None]:
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
            *(_class_rows(inputs) if is_long else []),
            *_exports(inputs),
        ]
    )


def _class_rows(inputs: RunInputs) -> list[str]:
    """A table with one row for each of many classes, the lowest IoU first, and a column for each metric."""
    native = inputs.evaluation["native"]
    metrics = [metric for metric in METRICS.values() if metric.per_class and native.get(metric.name)]
    iou = native["iou"]
    names = sorted(iou, key=lambda name: math.inf if iou[name] is None else iou[name])
    return [
        "### Classes, at native resolution",
        "",
        "| Class | " + " | ".join(metric.title for metric in metrics) + " |",
        "|---|" + "---:|" * len(metrics),
        *(
            f"| {name} | " + " | ".join(_text(native[metric.name][name]) for metric in metrics) + " |"
            for name in names
        ),
        "",
    ]


def _exports(inputs: RunInputs) -> list[str]:
    if not inputs.exports:
        return []
    return [
        "## Exported files",
        "",
        f"Evaluated on the same {inputs.evaluation['examples']} photos, at native resolution.",
        "",
        *markdown_table(inputs.exports),
        "",
    ]


def _value(group: dict[str, Any], entry: MetricEntry) -> float | None:
    """A metric's value; None where it does not exist, or an older version did not measure it."""
    value = group.get(entry.metric.name)
    return value.get(entry.class_name) if isinstance(value, dict) else value


def _text(value: float | None) -> str:
    return "absent" if value is None else f"{value:.4f}"
