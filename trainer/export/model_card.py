"""The model card, in the format of Hugging Face's hub: a YAML header and a page of Markdown."""

from typing import Any

import yaml

from trainer.settings import TrainingSettings


def model_card(
    settings: TrainingSettings, history: list[dict[str, Any]], train_pairs: int, eval_pairs: int
) -> str:
    """Describes a trained model to whoever finds it.

    Args:
        settings: How it was trained.
        history: One entry an epoch, as `trainer.training.loop.train` gives it.
        train_pairs: Number of pairs it was trained on.
        eval_pairs: Number of pairs its epochs were judged on.

    Returns:
        Markdown that begins with a YAML header.
    """
    model, trainer = settings.model, settings.trainer
    best = max(history, key=lambda record: record["mean_iou"])
    name = f"{model.architecture}-{model.encoder}-{model.image_size}".replace("_", "-")
    start = "given weights" if model.encoder_weights else "random weights"
    rows = [f"| {label} | {_figure(iou)} |" for label, iou in best["iou"].items()]
    header = yaml.safe_dump(_header(name, best, eval_pairs), sort_keys=False)
    return "\n".join(
        [
            f"---\n{header}---",
            "",
            f"# {name}",
            "",
            f"Tells {len(settings.classes)} classes apart: {', '.join(settings.classes.names)}.",
            "",
            f"- Network: {model.architecture} on the encoder {model.encoder} ({start}), "
            f"input {model.image_size} x {model.image_size} pixels.",
            f"- Training: {train_pairs} pairs, {len(history)} epochs, batches of {trainer.batch_size}, "
            f"AdamW with learning rate {trainer.learning_rate:g}, seed {trainer.seed}.",
            f"- Weights: of epoch {best['epoch']}, the best on the eval split.",
            "- Limits: it knows photos like those it was trained on; on others it answers just as surely.",
            "",
            f"## On the eval split ({eval_pairs} pairs, at model size)",
            "",
            "This split chose the epoch, so the figures are a little better than on photos never used.",
            "",
            "| | IoU |",
            "|---|---:|",
            f"| mean | {best['mean_iou']:.4f} |",
            *rows,
            "",
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
                            "name": f"eval split, {eval_pairs} pairs",
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


def _figure(iou: float | None) -> str:
    return "absent" if iou is None else f"{iou:.4f}"
