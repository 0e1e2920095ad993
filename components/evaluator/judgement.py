"""The verdict in figures and one sentence, made from TFMA's results."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluator.eval_config import BASELINE, CANDIDATE, EXAMPLE_COUNT, metric_name
from components.evaluator.settings import EvaluationSettings, JudgingSettings
from components.metrics.summed_counts import Size


def judge(
    evaluation_uri: str, settings: JudgingSettings, model_size: list[int], baseline_size: list[int] | None
) -> dict[str, Any]:
    """Reads what TFMA found over all photos and words it.

    Args:
        evaluation_uri: Where TFMA wrote its results.
        settings: What was judged and against what.
        model_size: Height and width in pixels of the model's input.
        baseline_size: The same of the model in production; None if there is none.

    Returns:
        `split`, `examples`, `blessed`, `reason`, `model` and `photo` (the figures at the two sizes) and
        `baseline` (None, or those two of the model in production). A figure that does not exist is None.
    """
    metrics = _overall_metrics(evaluation_uri, CANDIDATE)
    judgement: dict[str, Any] = {
        "split": settings.evaluation.split,
        "examples": int(metrics[EXAMPLE_COUNT]),
        "blessed": bool(tfma.load_validation_result(evaluation_uri).validation_ok),
        "reason": "",
        **_figures(metrics, settings.classes.names, model_size),
        "baseline": None,
    }
    if baseline_size is not None:
        baseline_metrics = _overall_metrics(evaluation_uri, BASELINE)
        judgement["baseline"] = _figures(baseline_metrics, settings.classes.names, baseline_size)
    judgement["reason"] = _reason(judgement, settings.evaluation)
    return judgement


def _overall_metrics(evaluation_uri: str, model_name: str) -> dict[str, float]:
    result = tfma.load_eval_result(evaluation_uri, model_name=model_name)
    # TFMA reads its results through JSON, in which NaN is a string.
    return {name: float(value["doubleValue"]) for name, value in result.get_metrics_for_slice(()).items()}


def _figures(metrics: dict[str, float], class_names: Sequence[str], model_size: list[int]) -> dict[str, Any]:
    def figures(size: Size) -> dict[str, Any]:
        return {
            "mean_iou": _finite(metrics[metric_name(size, "mean_iou")]),
            "iou": {name: _finite(metrics[metric_name(size, "iou", name)]) for name in class_names},
            "pixel_accuracy": _finite(metrics[metric_name(size, "pixel_accuracy")]),
        }

    return {"model": {**figures("model"), "size": model_size}, "photo": figures("photo")}


def _finite(value: float) -> float | None:
    """JSON knows no NaN: a class that occurs nowhere has no IoU."""
    return value if math.isfinite(value) else None


def _reason(judgement: dict[str, Any], evaluation: EvaluationSettings) -> str:
    mean_iou = judgement["model"]["mean_iou"]
    photos = f"{judgement['examples']} {judgement['split']} photos"
    if mean_iou is None:
        return f"no mean IoU: not one pixel of {photos} has a class"
    place = "above" if mean_iou > evaluation.floor else "at" if mean_iou == evaluation.floor else "below"
    against_floor = f"{place} the floor {evaluation.floor:.4f}"
    return f"mean IoU {mean_iou:.4f} at model size on {photos}: {against_floor}; " + _against_production(
        mean_iou, judgement["baseline"], evaluation.max_regression
    )


def _against_production(mean_iou: float, baseline: dict[str, Any] | None, max_regression: float) -> str:
    if baseline is None:
        return "no model in production to compare with"
    in_production = baseline["model"]["mean_iou"]
    difference = mean_iou - in_production
    text = f"{abs(difference):.4f} {'above' if difference >= 0 else 'below'} production's {in_production:.4f}"
    if difference >= 0:
        return text
    allowed = "more than" if -difference > max_regression else "within"
    return f"{text}, {allowed} the {max_regression:.4f} allowed"
