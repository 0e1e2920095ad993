"""The verdict in figures and one sentence, made from TFMA's results."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluator.eval_config import BASELINE, CANDIDATE, EXAMPLE_COUNT, metric_name
from components.evaluator.settings import EvaluationSettings, JudgingSettings, Threshold
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
    if thresholds := settings.evaluation.thresholds:
        missed = _missed_thresholds(evaluation_uri, thresholds)
        judgement["reason"] += "; " + ("; ".join(missed) or f"all of {len(thresholds)} thresholds reached")
        # TFMA validates minima. To it a gap is a metric of each pair of slices: hundreds for a few dozen.
        judgement["blessed"] = judgement["blessed"] and not missed
    return judgement


def _missed_thresholds(evaluation_uri: str, thresholds: Sequence[Threshold]) -> list[str]:
    """Says which of the further thresholds were not reached, and where."""
    result = tfma.load_eval_result(evaluation_uri, model_name=CANDIDATE)
    missed: list[str] = []
    for threshold in thresholds:
        figures = {
            key[0][1] if key else "all photos": float(metrics[threshold.metric]["doubleValue"])
            for key, metrics in (
                (key, result.get_metrics_for_slice(key)) for key, _ in result.slicing_metrics
            )
            if (key[0][0] if key else None) == threshold.slice
        }
        missed += _missed(threshold, figures)
    return missed


def _missed(threshold: Threshold, figures: dict[str, float]) -> list[str]:
    """Says in which slices a threshold was not reached; `figures` are the metric's, by slice."""
    where = f" by {threshold.slice}" if threshold.slice else ""
    if not figures:
        return [f"{threshold.metric}{where}: no photo has that feature"]
    missed = []
    low, high = (choose(figures, key=lambda name: figures[name]) for choose in (min, max))
    if threshold.minimum is not None:
        # A figure that does not exist is NaN: it is not above anything.
        below = [name for name, value in figures.items() if not value >= threshold.minimum]
        if below:
            worst = next((name for name in below if math.isnan(figures[name])), low)
            others = f" and {len(below) - 1} more" if len(below) > 1 else ""
            missed.append(
                f"{threshold.metric}{where} is {figures[worst]:.4f} for {worst}{others}, "
                f"below {threshold.minimum:.4f}"
            )
    if threshold.max_gap is not None and not figures[high] - figures[low] <= threshold.max_gap:
        missed.append(
            f"{threshold.metric}{where} is {figures[low]:.4f} for {low} and {figures[high]:.4f} for {high}, "
            f"more than {threshold.max_gap:.4f} apart"
        )
    return missed


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
