"""Further thresholds, on any metric and slice."""

import json
from pathlib import Path

from components.evaluator.eval_config import eval_config
from components.evaluator.settings import EvaluationSettings, EvaluatorSettings, metric_names
from petseg.metrics.boundary_iou import boundary_iou_per_class
from petseg.metrics.calibration_error import calibration_error
from petseg.metrics.iou import mean_iou
from tests.components import tiny_models
from tests.components.evaluator.evaluated_photos import of_model, reference, slices_of


def test_a_slice_below_its_minimum_is_refused_and_named(evaluate, masks):
    by_kind = {
        kind: float(
            mean_iou(
                reference(
                    [mask for i, mask in enumerate(masks) if slices_of(i).get("label/kind") == kind],
                    wrong=0.1,
                )[:, 0].sum(0)
            )
        )
        for kind in ("kind_0", "kind_1", "kind_2")
    }
    worst, better = sorted(by_kind, key=by_kind.__getitem__)[:2]
    minimum = (by_kind[worst] + by_kind[better]) / 2
    result, _, blessing = evaluate(
        candidate={"wrong": 0.1},
        baseline={"wrong": 0.2},
        thresholds=[{"metric": "model/mean_iou", "slice": "label/kind", "minimum": minimum}],
    )
    assert result["blessed"] is False
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]
    assert result["reason"].endswith(
        f"; model/mean_iou by label/kind is {by_kind[worst]:.4f} for {worst}, below {minimum:.4f}"
    )


def test_thresholds_that_are_reached_leave_the_verdict_alone(evaluate):
    result, *_ = evaluate(
        candidate={"wrong": 0.1},
        foreground=["thing", "rim"],
        thresholds=[
            {"metric": "model/mean_iou", "slice": "label/kind", "minimum": 0.3},
            {"metric": "native/binary_iou", "minimum": 0.5},
            {"metric": "native/dice/ground", "slice": "slice/size", "minimum": 0.3, "max_gap": 0.5},
        ],
    )
    assert result["blessed"] is True
    assert result["reason"].endswith("; all of 3 thresholds reached")


def test_slices_too_far_apart_are_refused(evaluate, masks):
    sizes = [
        float(
            mean_iou(
                reference(
                    [mask for i, mask in enumerate(masks) if slices_of(i)["slice/size"] == size], wrong=0.1
                )[:, 0].sum(0)
            )
        )
        for size in ("small", "large")
    ]
    gap = abs(sizes[0] - sizes[1])
    assert gap > 0
    threshold = {"metric": "model/mean_iou", "slice": "slice/size", "max_gap": gap / 2}
    result, *_ = evaluate(candidate={"wrong": 0.1}, thresholds=[threshold])
    assert result["blessed"] is False
    assert result["reason"].endswith(f"more than {gap / 2:.4f} apart")


def test_a_threshold_on_all_photos_is_refused_and_told(evaluate):
    result, *_ = evaluate(
        candidate={"wrong": 0.1}, thresholds=[{"metric": "native/recall/thing", "minimum": 0.999}]
    )
    assert result["blessed"] is False
    assert "native/recall/thing is 0." in result["reason"]
    assert result["reason"].endswith("for all photos, below 0.9990")


def test_names_of_metrics_are_known_without_tfma():
    settings = EvaluatorSettings(
        evaluation=EvaluationSettings(foreground=("thing",)), classes=tiny_models.TABLE
    )
    config = eval_config(settings, has_baseline=False)
    names = {json.loads(metric.config)["name"] for metric in config.metrics_specs[0].metrics}
    assert names - {"example_count"} == set(metric_names(tiny_models.TABLE.names, has_foreground=True))


def test_a_slice_worse_than_in_production_is_refused_and_named(evaluate, masks):
    """Overall the candidate is no worse than allowed; one slice is."""

    def of_kind(kind: str, wrong: float) -> float:
        chosen = [mask for i, mask in enumerate(masks) if slices_of(i).get("label/kind") == kind]
        return float(boundary_iou_per_class(of_model(chosen, wrong)["boundary"][:, 0].sum(0))[1])

    losses = {kind: of_kind(kind, 0.05) - of_kind(kind, 0.1) for kind in ("kind_0", "kind_1", "kind_2")}
    worst, better = sorted(losses, key=lambda kind: -losses[kind])[:2]
    allowed = (losses[worst] + losses[better]) / 2
    threshold = {"metric": "model/boundary_iou/ground", "slice": "label/kind", "max_regression": allowed}
    result, *_ = evaluate(
        candidate={"wrong": 0.1}, baseline={"wrong": 0.05}, max_regression=1, thresholds=[threshold]
    )
    assert result["blessed"] is False
    assert result["reason"].endswith(
        f"; model/boundary_iou/ground by label/kind is {of_kind(worst, 0.1):.4f} for {worst}, more than "
        f"{allowed:.4f} worse than production's {of_kind(worst, 0.05):.4f}"
    )


def test_calibration_has_a_maximum_and_is_worse_when_it_is_higher(evaluate, masks):
    error, before = (
        float(calibration_error(of_model(masks, wrong)["calibration"][:, 1].sum(0))) for wrong in (0.3, 0.1)
    )
    assert before < 0.05 < error < 0.25
    thresholds = [
        {"metric": "native/calibration_error", "maximum": 0.05},
        {"metric": "native/calibration_error", "maximum": 0.25},
        {"metric": "native/calibration_error", "max_regression": 0.01},
    ]
    result, *_ = evaluate(
        candidate={"wrong": 0.3}, baseline={"wrong": 0.1}, floor=0, max_regression=1, thresholds=thresholds
    )
    assert result["blessed"] is False
    assert result["reason"].endswith(
        f"allowed; native/calibration_error is {error:.4f} for all photos, above 0.0500; "
        f"native/calibration_error is {error:.4f} for all photos, more than 0.0100 worse than "
        f"production's {before:.4f}"
    )
