"""Renders the report."""

import dataclasses
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.run_report import environment, plots
from components.run_report.confusions import most_confused, taken_for
from components.run_report.drift_section import Drift, measure_drift
from components.run_report.inputs import RunInputs
from components.run_report.metric_tables import metric_tables
from components.run_report.metrics_json import metrics_json
from components.run_report.photos import WRONG, photo_cards
from components.run_report.plots import Plot
from components.run_report.scores import SliceScore, slice_scores
from components.run_report.suspicious_labels import suspicious_labels
from components.run_report.templates import count, number, template_engine
from petseg.evaluation.photo_counts import read_overlaps, summed_confusion, summed_counts
from petseg.evaluation.resolutions import RESOLUTION_TITLES
from petseg.evaluation.words import against_best, few_examples
from petseg.metrics.calibration_error import calibration_error
from petseg.metrics.counting import CALIBRATION
from petseg.metrics.iou import mean_iou_of_overlaps
from petseg.metrics.metric import ratio

LARGEST_MATRIX = 20
"""Classes up to which the confusion is a matrix; above, it is the pairs most confused."""


def page(inputs: RunInputs, settings_yaml: str) -> str:
    """Renders the report as one HTML page that needs no network.

    Args:
        inputs: The run.
        settings_yaml: The resolved settings, shown in a collapsed block.
    """
    engine = template_engine("components.run_report")
    return engine.get_template("report.html.jinja").render(**_content(inputs), settings_yaml=settings_yaml)


def _content(inputs: RunInputs) -> dict[str, Any]:
    classes = len(inputs.classes)
    counts = summed_confusion(inputs.photos, "model", classes)
    scores = mean_iou_of_overlaps(read_overlaps(inputs.photos, "native", classes))
    return {
        "run": inputs,
        "against_best": against_best,
        "few_examples": few_examples(inputs.evaluation["examples"], inputs.evaluation["split"]),
        "metrics": metrics_json(inputs),
        "headline": headline(inputs),
        "date": _date(inputs.run_id),
        "trained": _trained(inputs),
        "floor": inputs.settings["evaluation"]["floor"],
        "classes": inputs.classes.classes,
        "metric_tables": metric_tables(inputs.evaluation),
        "confusion": _matrix(counts) if classes <= LARGEST_MATRIX else None,
        "most_confused": most_confused(counts),
        "taken_for": taken_for(counts),
        "label_shares": ratio(counts.sum(axis=1), np.full(classes, counts.sum())).tolist(),
        "reliability": _reliability(inputs),
        "curves": plots.learning_curves(inputs.history),
        "score_histogram": plots.score_histogram(scores),
        "size_histogram": plots.size_histogram(inputs.data_report["photo_sizes"]),
        "slices": _slices(inputs),
        "groups": photo_cards(inputs),
        "wrong_color": "#{:02x}{:02x}{:02x}".format(*WRONG),
        "data_findings": _data_findings(inputs),
        "drift": _drift(inputs),
        "seeds": _seeds(inputs.settings),
        "versions": environment.versions(),
        "machine": environment.machine(),
        "commit": environment.git_commit(),
    }


def _date(run_id: str) -> str:
    """Date and time of the start, from the run's id; empty if it is another one."""
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").strftime("%B %-d, %Y, %H:%M UTC")
    except ValueError:
        return ""


def _trained(inputs: RunInputs) -> str:
    """What was trained, on what, and where, in one sentence."""
    model, data = inputs.settings.get("model", {}), inputs.settings["data"]
    network = model.get("architecture", "")
    if model.get("encoder"):
        network += f" with the encoder {model['encoder']}"
    examples = count(inputs.data_report["counts"].get("train", 0), "training example")
    source = f" of {data['path']}" if data.get("path") else ""
    device = f", on {inputs.device}" if inputs.device else ""
    epochs = count(len(inputs.history), "epoch")
    return f"{network}: {examples}{source}, {epochs}{device}.".removeprefix(": ")


def _matrix(counts: NDArray[np.int64]) -> list[list[float] | None]:
    """Shares of the pixels of each label by prediction; None for a class without pixels."""
    return [(row / row.sum()).tolist() if row.any() else None for row in counts]


def _reliability(inputs: RunInputs) -> list[Plot]:
    """Reliability diagrams, one for each resolution; none where the model has no calibration counts."""
    drawn = []
    for resolution, title in RESOLUTION_TITLES.items():
        bins = summed_counts(inputs.photos, CALIBRATION, resolution, len(inputs.classes))
        if bins is not None:
            error = number(float(calibration_error(bins)))
            drawn.append(plots.reliability(bins, f"Calibration at {title}, error {error}"))
    return drawn


def _slices(inputs: RunInputs) -> dict[str, list[SliceScore]]:
    """Scores by feature; features with few values first, so that short tables are next to each other."""
    scores = {name: slice_scores(inputs.photos, name, len(inputs.classes)) for name in inputs.slice_features}
    return dict(sorted(scores.items(), key=lambda item: len(item[1])))


def _drift(inputs: RunInputs) -> Drift | None:
    """Drift against the model in production; None where there is nothing to compare with."""
    if inputs.production is None or inputs.production.statistics is None:
        return None
    return measure_drift(inputs.production.statistics, inputs.statistics, inputs.schema)


def _seeds(settings: dict[str, Any], prefix: str = "") -> dict[str, int]:
    """All seeds in the settings, by dotted key."""
    found: dict[str, int] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            found |= _seeds(value, f"{prefix}{key}.")
        elif key == "seed":
            found[f"{prefix}{key}"] = value
    return found


def _data_findings(inputs: RunInputs) -> dict[str, list[tuple[str, ...]]]:
    """Findings about the data: rows of cells by title."""
    report = inputs.data_report
    return {
        "Quarantined": [(entry["file"], entry["reason"]) for entry in report["quarantined"]],
        "Repaired": [(entry["file"], entry["reason"]) for entry in report["repaired"]],
        "Near duplicates across splits": [
            (f"{pair['a']} ({pair['split_a']})", f"{pair['b']} ({pair['split_b']})")
            for pair in report["near_duplicates"]
        ],
        "In no split list, or without annotation, skipped": [(name,) for name in report["in_no_list"]],
        "Masks with a single class": [(name,) for name in report["single_class"]],
        "Labels that the model disagrees with most": suspicious_labels(inputs),
        "Anomalies": [(anomaly.split, anomaly.feature, anomaly.summary) for anomaly in inputs.anomalies],
    }


@dataclasses.dataclass(frozen=True)
class Headline:
    """The outcome in a few words; `tone` is good, neutral or bad."""

    text: str
    tone: str


def headline(inputs: RunInputs) -> Headline:
    """Whether the model was refused, passed or pushed."""
    if not metrics_json(inputs)["blessed"]:
        return Headline("Refused", "bad")
    if inputs.push is None:
        return Headline("Passed, not pushed", "neutral")
    if inputs.push["pushed"]:
        return Headline(f"In production as version {inputs.push['version']}", "good")
    return Headline("Passed, not pushed", "neutral")
