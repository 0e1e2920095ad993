"""The model card, in the format of Hugging Face's hub: a YAML header and a page of Markdown."""

from typing import Any

import yaml

from trainer.export.usage import usage
from trainer.settings import TrainingSettings

FITS = {
    "stretch": ", to which photos are resized",
    "pad": ", to which photos are scaled and padded",
    "tile": ", windows of which slide over photos of any size",
}
"""How photos meet the model's input, by `transform.fit`."""


def model_card(
    settings: TrainingSettings, history: list[dict[str, Any]], train_pairs: int, eval_pairs: int
) -> str:
    """Describes a trained model for its users.

    Args:
        settings: How it was trained.
        history: One entry for each epoch, as `trainer.training.loop.train` returns it.
        train_pairs: Number of training examples.
        eval_pairs: Number of examples that the epochs were evaluated on.

    Returns:
        Markdown that begins with a YAML header.
    """
    model, trainer = settings.model, settings.trainer
    best = max(history, key=lambda record: record["mean_iou"])
    height, width = model.input_size
    size = f"{height}" if height == width else f"{height}x{width}"
    name = f"{model.architecture}-{model.encoder}-{size}".replace("_", "-")
    start = "pretrained weights" if model.encoder_weights else "random weights"
    rows = [f"| {label} | {_number(iou)} |" for label, iou in best["iou"].items()]
    header = yaml.safe_dump(_header(name, best, eval_pairs), sort_keys=False)
    return "\n".join(
        [
            f"---\n{header}---",
            "",
            f"# {name}",
            "",
            f"Segments photos into {len(settings.classes)} classes: {', '.join(settings.classes.names)}.",
            "",
            f"- Architecture: {model.architecture} with the encoder {model.encoder} ({start}), "
            f"input {height} x {width} pixels (height x width){FITS[settings.transform.fit]}.",
            f"- Training: {train_pairs} examples, {len(history)} epochs, batches of {trainer.batch_size}, "
            f"AdamW with learning rate {trainer.learning_rate:g}, seed {trainer.seed}.",
            f"- Weights: those of epoch {best['epoch']}, the best on the eval split.",
            "- Limitations: the model is reliable on photos like its training data. On other photos its "
            "predictions may be wrong even where its confidence is high.",
            "",
            f"## Metrics on the eval split ({eval_pairs} examples, at model resolution)",
            "",
            "The epoch was selected on this split, so metrics on unseen photos are slightly lower.",
            "",
            "| | IoU |",
            "|---|---:|",
            f"| mean | {best['mean_iou']:.4f} |",
            *rows,
            "",
            usage(settings.classes),
        ]
    )


def _header(name: str, best: dict[str, Any], eval_pairs: int) -> dict[str, Any]:
    return {
        "license": "apache-2.0",
        "library_name": "keras",
        "pipeline_tag": "image-segmentation",
        "tags": ["image-segmentation", "semantic-segmentation", "keras", "tensorflow", "tfx"],
        "model-index": [
            {
                "name": name,
                "results": [
                    {
                        "task": {"type": "image-segmentation"},
                        "dataset": {
                            "name": f"eval split, {eval_pairs} examples",
                            "type": "custom",
                            "split": "eval",
                        },
                        "metrics": [
                            {"type": "mean_iou", "name": "mean IoU", "value": round(best["mean_iou"], 4)}
                        ],
                    }
                ],
            }
        ],
    }


def _number(iou: float | None) -> str:
    return "absent" if iou is None else f"{iou:.4f}"
