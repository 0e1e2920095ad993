"""The verdict in numbers and one sentence, made from TFMA's results."""

from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluator.eval_config import BASELINE, CANDIDATE, EXAMPLE_COUNT
from components.evaluator.settings import EvaluationSettings, EvaluatorSettings
from components.evaluator.thresholds import SlicedMetrics, missed_limits
from petseg.class_table import ClassTable
from petseg.evaluation.resolutions import Resolution
from petseg.metrics.registry import METRICS


def evaluation_result(
    evaluation_uri: str,
    settings: EvaluatorSettings,
    model_size: list[int] | None,
    *,
    has_baseline: bool = False,
    baseline_size: list[int] | None = None,
) -> dict[str, Any]:
    """Reads TFMA's results over all photos and decides whether the model is blessed.

    Args:
        evaluation_uri: Where TFMA wrote its results.
        settings: What was evaluated and against what.
        model_size: Height and width in pixels of the model's input; None if it slides windows over photos of
            all sizes.
        has_baseline: Whether there is a model in production.
        baseline_size: Height and width of its input, as of the model.

    Returns:
        The content of evaluation.json: `split`, `examples`, `blessed`, `reason`, `model` and `native` (the
        metrics at the two resolutions) and `baseline` (None, or those two of the model in production). A
        metric is a value, or {class name: value} if it is per class; None where it does not exist: of a class
        that occurs nowhere, or of an older model that does not count what it needs. `model` also has `size`.
    """
    candidate = SlicedMetrics(evaluation_uri, CANDIDATE)
    baseline = SlicedMetrics(evaluation_uri, BASELINE) if has_baseline else None
    metrics = candidate.overall()
    result: dict[str, Any] = {
        "split": settings.evaluation.split,
        "examples": int(metrics[EXAMPLE_COUNT]),
        "blessed": bool(tfma.load_validation_result(evaluation_uri).validation_ok),
        "reason": "",
        **_groups(metrics, settings.classes, model_size),
        "baseline": None,
    }
    if baseline is not None:
        result["baseline"] = _groups(baseline.overall(), settings.classes, baseline_size)
    result["reason"] = _reason(result, settings.evaluation)
    if thresholds := settings.evaluation.thresholds:
        missed = [text for entry in thresholds for text in missed_limits(entry, candidate, baseline)]
        result["reason"] += "; " + ("; ".join(missed) or f"all of {len(thresholds)} thresholds reached")
        # TFMA validates bounds only. It would need a metric for each pair of slices to validate a gap, and it
        # refuses every model where the model in production lacks a metric.
        result["blessed"] = result["blessed"] and not missed
    return result


def _groups(metrics: dict[str, float], classes: ClassTable, model_size: list[int] | None) -> dict[str, Any]:
    def group(resolution: Resolution) -> dict[str, Any]:
        overall = {
            metric.name: metrics.get(f"{resolution}/{metric.name}")
            for metric in METRICS.values()
            if not metric.per_class
        }
        per_class = {
            metric.name: {
                entry.name: metrics.get(f"{resolution}/{metric.name}/{entry.key}")
                for entry in classes.classes
            }
            for metric in METRICS.values()
            if metric.per_class
        }
        return overall | per_class

    return {"model": {**group("model"), "size": model_size}, "native": group("native")}


def _reason(result: dict[str, Any], evaluation: EvaluationSettings) -> str:
    mean_iou = result["model"]["mean_iou"]
    photos = f"{result['examples']} {result['split']} photos"
    if mean_iou is None:
        return f"no mean IoU: no labeled pixel in {photos}"
    relation = "above" if mean_iou > evaluation.floor else "at" if mean_iou == evaluation.floor else "below"
    against_production = _against_production(mean_iou, result["baseline"], evaluation.max_regression)
    against_floor = f"{relation} the floor {evaluation.floor:.4f}"
    return f"mean IoU {mean_iou:.4f} at model resolution on {photos}: {against_floor}; {against_production}"


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
