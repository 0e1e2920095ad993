"""The model card of the run: the model's own, and how it was judged."""

import os

from tfx.dsl.io import fileio

from components.run_report.inputs import RunInputs
from components.run_report.metrics_json import verdict
from petseg.saved_model import EXTRA_FOLDER, MODEL_CARD_FILE


def model_card(inputs: RunInputs) -> str:
    """The card from the model's assets.extra/ in Markdown, with the judgement that Trainer could not know."""
    path = os.path.join(inputs.model_dir, EXTRA_FOLDER, MODEL_CARD_FILE)
    card = f"# Model of run {inputs.run_id}\n"
    if fileio.exists(path):
        with fileio.open(path, "rb") as file:
            card = file.read().decode()
    return f"{card.rstrip()}\n\n{_judgement(inputs)}"


def _judgement(inputs: RunInputs) -> str:
    judgement = inputs.judgement
    blessed, reason = verdict(inputs)
    groups = {"Model size": judgement["model"], "Photo's own size": judgement["photo"]}
    if judgement["baseline"] is not None:
        groups["In production, model size"] = judgement["baseline"]["model"]
        groups["In production, photo's own size"] = judgement["baseline"]["photo"]
    names = inputs.classes.names
    rows = [
        "| | mean IoU | " + " | ".join(names) + " | pixel accuracy |",
        "|---|" + "---:|" * (len(names) + 2),
    ]
    for title, group in groups.items():
        figures = [group["mean_iou"], *(group["iou"][name] for name in names), group["pixel_accuracy"]]
        rows.append(f"| {title} | " + " | ".join(_figure(figure) for figure in figures) + " |")
    return "\n".join(
        [
            "## Judgement",
            "",
            f"Run `{inputs.run_id}`, {judgement['examples']} photos of the split `{judgement['split']}`: "
            f"{'blessed' if blessed else 'refused'}. {reason}",
            "",
            *rows,
            "",
        ]
    )


def _figure(value: float | None) -> str:
    return "absent" if value is None else f"{value:.4f}"
