"""Further thresholds, on any metric and slice."""

import json
from pathlib import Path

from components.evaluator.eval_config import eval_config
from components.evaluator.settings import EvaluationSettings, JudgingSettings, metric_names
from petseg.metrics.boundary import boundary_iou_per_class
from petseg.metrics.calibration import calibration_error
from petseg.metrics.confusion import mean_iou
from tests.components import tiny_models
from tests.components.evaluator.judged_photos import of_model, reference, slices_of


def test_a_slice_below_its_minimum_is_refused_and_named(judge, masks):
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
    judgement, _, blessing = judge(
        candidate={"wrong": 0.1},
        baseline={"wrong": 0.2},
        thresholds=[{"metric": "model/mean_iou", "slice": "label/kind", "minimum": minimum}],
    )
    assert judgement["blessed"] is False
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]
    assert judgement["reason"].endswith(
        f"; model/mean_iou by label/kind is {by_kind[worst]:.4f} for {worst}, below {minimum:.4f}"
    )


def test_thresholds_that_are_reached_leave_the_verdict_alone(judge):
    judgement, *_ = judge(
        candidate={"wrong": 0.1},
        foreground=["thing", "rim"],
        thresholds=[
            {"metric": "model/mean_iou", "slice": "label/kind", "minimum": 0.3},
            {"metric": "photo/binary_iou", "minimum": 0.5},
            {"metric": "photo/dice/ground", "slice": "slice/size", "minimum": 0.3, "max_gap": 0.5},
        ],
    )
    assert judgement["blessed"] is True
    assert judgement["reason"].endswith("; all of 3 thresholds reached")


def test_slices_too_far_apart_are_refused(judge, masks):
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
    judgement, *_ = judge(candidate={"wrong": 0.1}, thresholds=[threshold])
    assert judgement["blessed"] is False
    assert judgement["reason"].endswith(f"more than {gap / 2:.4f} apart")


def test_a_threshold_on_all_photos_is_refused_and_told(judge):
    judgement, *_ = judge(
        candidate={"wrong": 0.1}, thresholds=[{"metric": "photo/recall/thing", "minimum": 0.999}]
    )
    assert judgement["blessed"] is False
    assert "photo/recall/thing is 0." in judgement["reason"]
    assert judgement["reason"].endswith("for all photos, below 0.9990")


def test_names_of_metrics_are_known_without_tfma():
    settings = JudgingSettings(
        evaluation=EvaluationSettings(foreground=("thing",)), classes=tiny_models.TABLE
    )
    config = eval_config(settings, has_baseline=False)
    names = {json.loads(metric.config)["name"] for metric in config.metrics_specs[0].metrics}
    assert names - {"example_count"} == set(metric_names(tiny_models.TABLE.names, has_foreground=True))


def test_a_slice_worse_than_in_production_is_refused_and_named(judge, masks):
    """Overall the candidate is no worse than allowed; one slice is."""

    def of_kind(kind: str, wrong: float) -> float:
        chosen = [mask for i, mask in enumerate(masks) if slices_of(i).get("label/kind") == kind]
        return float(boundary_iou_per_class(of_model(chosen, wrong)["boundary"][:, 0].sum(0))[1])

    losses = {kind: of_kind(kind, 0.05) - of_kind(kind, 0.1) for kind in ("kind_0", "kind_1", "kind_2")}
    worst, better = sorted(losses, key=lambda kind: -losses[kind])[:2]
    allowed = (losses[worst] + losses[better]) / 2
    threshold = {"metric": "model/boundary_iou/ground", "slice": "label/kind", "max_regression": allowed}
    judgement, *_ = judge(
        candidate={"wrong": 0.1}, baseline={"wrong": 0.05}, max_regression=1, thresholds=[threshold]
    )
    assert judgement["blessed"] is False
    assert judgement["reason"].endswith(
        f"; model/boundary_iou/ground by label/kind is {of_kind(worst, 0.1):.4f} for {worst}, more than "
        f"{allowed:.4f} worse than production's {of_kind(worst, 0.05):.4f}"
    )


def test_calibration_has_a_maximum_and_is_worse_when_it_is_higher(judge, masks):
    error, before = (
        float(calibration_error(of_model(masks, wrong)["calibration"][:, 1].sum(0))) for wrong in (0.3, 0.1)
    )
    assert before < 0.05 < error < 0.25
    thresholds = [
        {"metric": "photo/calibration_error", "maximum": 0.05},
        {"metric": "photo/calibration_error", "maximum": 0.25},
        {"metric": "photo/calibration_error", "max_regression": 0.01},
    ]
    judgement, *_ = judge(
        candidate={"wrong": 0.3}, baseline={"wrong": 0.1}, floor=0, max_regression=1, thresholds=thresholds
    )
    assert judgement["blessed"] is False
    assert judgement["reason"].endswith(
        f"allowed; photo/calibration_error is {error:.4f} for all photos, above 0.0500; "
        f"photo/calibration_error is {error:.4f} for all photos, more than 0.0100 worse than "
        f"production's {before:.4f}"
    )
