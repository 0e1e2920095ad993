"""The verdict in figures and one sentence, made from TFMA's results."""

from collections.abc import Sequence
from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluator.eval_config import BASELINE, CANDIDATE, EXAMPLE_COUNT, metric_name
from components.evaluator.metrics.summed_counts import Size
from components.evaluator.settings import (
    BINARY_IOU,
    CLASS_FIGURES,
    OVERALL_FIGURES,
    EvaluationSettings,
    JudgingSettings,
)
from components.evaluator.thresholds import SlicedFigures, missed_limits


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
        `baseline` (None, or those two of the model in production). The figures: `mean_iou`, `pixel_accuracy`,
        `mean_boundary_iou`, `calibration_error`, `binary_iou`, and {class name: value} in `iou`, `dice`,
        `precision`, `recall`, `boundary_iou`; in `model` also `size`. A figure that does not exist is None:
        of a class that occurs nowhere, or of an older model that does not count what it needs.
    """
    candidate = SlicedFigures(evaluation_uri, CANDIDATE)
    baseline = None if baseline_size is None else SlicedFigures(evaluation_uri, BASELINE)
    metrics = candidate.overall()
    judgement: dict[str, Any] = {
        "split": settings.evaluation.split,
        "examples": int(metrics[EXAMPLE_COUNT]),
        "blessed": bool(tfma.load_validation_result(evaluation_uri).validation_ok),
        "reason": "",
        **_figures(metrics, settings.classes.names, model_size),
        "baseline": None,
    }
    if baseline is not None and baseline_size is not None:
        judgement["baseline"] = _figures(baseline.overall(), settings.classes.names, baseline_size)
    judgement["reason"] = _reason(judgement, settings.evaluation)
    if thresholds := settings.evaluation.thresholds:
        missed = [text for entry in thresholds for text in missed_limits(entry, candidate, baseline)]
        judgement["reason"] += "; " + ("; ".join(missed) or f"all of {len(thresholds)} thresholds reached")
        # TFMA validates bounds. To it a gap is a metric of each pair of slices, hundreds for a few dozen, and
        # a model in production that lacks a metric has to be refused.
        judgement["blessed"] = judgement["blessed"] and not missed
    return judgement


def _figures(metrics: dict[str, float], class_names: Sequence[str], model_size: list[int]) -> dict[str, Any]:
    def figures(size: Size) -> dict[str, Any]:
        of_classes = {
            figure: {name: metrics.get(metric_name(size, figure, name)) for name in class_names}
            for figure in CLASS_FIGURES
        }
        overall = {
            figure: metrics.get(metric_name(size, figure)) for figure in (*OVERALL_FIGURES, BINARY_IOU)
        }
        return overall | of_classes

    return {"model": {**figures("model"), "size": model_size}, "photo": figures("photo")}


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
