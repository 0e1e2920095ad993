"""TFMA's EvalConfig, made from the settings."""

import json
from typing import Any

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.metrics.summed_counts import SIZES, Size
from components.evaluator.settings import BINARY_IOU, EvaluationSettings, JudgingSettings, Threshold

CANDIDATE = constants.CANDIDATE_KEY
BASELINE = constants.BASELINE_KEY
EXAMPLE_COUNT = "example_count"
CLASS_METRICS = {
    "iou": ("ClassIoU", "class_iou"),
    "dice": ("ClassDice", "class_dice"),
    "precision": ("ClassPrecision", "class_precision"),
    "recall": ("ClassRecall", "class_recall"),
    "boundary_iou": ("ClassBoundaryIoU", "class_boundary_iou"),
}
"""Class and module of the metrics that there are for each class, by their names in the results."""

OVERALL_METRICS = {
    "mean_iou": ("MeanIoU", "mean_iou"),
    "pixel_accuracy": ("PixelAccuracy", "pixel_accuracy"),
    "mean_boundary_iou": ("MeanBoundaryIoU", "mean_boundary_iou"),
    "calibration_error": ("CalibrationError", "calibration_error"),
}
"""The same of the metrics that there are once."""

_METRICS = "components.evaluator.metrics"


def metric_name(size: Size, figure: str, class_name: str | None = None) -> str:
    """Name of a metric in TFMA's results: `model/mean_iou`, `photo/iou/background`."""
    return "/".join((size, figure) if class_name is None else (size, figure, class_name))


def eval_config(settings: JudgingSettings, has_baseline: bool) -> config_pb2.EvalConfig:
    """Says what is measured, on which slices, and what the model must reach.

    The floor and, where there is a baseline, the regression limit hold for mean IoU at model size over all
    photos: a threshold without a slice would apply to every slice, too.

    Args:
        settings: Thresholds, classes and the features whose values are slices.
        has_baseline: Whether the model in production is judged beside the candidate.
    """
    names = [CANDIDATE, BASELINE] if has_baseline else [CANDIDATE]
    config = config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(name=name, is_baseline=name == BASELINE) for name in names],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in settings.slice_features),
        ],
        metrics_specs=[config_pb2.MetricsSpec(model_names=names)],
    )
    foreground = [settings.classes.names.index(name) for name in settings.evaluation.foreground]
    metrics = config.metrics_specs[0].metrics
    metrics.add(class_name="ExampleCount", config=json.dumps({"name": EXAMPLE_COUNT}))
    for size in SIZES:
        for figure, (metric_class, module) in OVERALL_METRICS.items():
            metrics.append(_metric(metric_class, module, name=metric_name(size, figure), size=size))
        for class_id, class_name in enumerate(settings.classes.names):
            for figure, (metric_class, module) in CLASS_METRICS.items():
                name = metric_name(size, figure, class_name)
                metrics.append(_metric(metric_class, module, name=name, size=size, class_id=class_id))
        if foreground:
            name = metric_name(size, BINARY_IOU)
            metrics.append(_metric("BinaryIoU", "binary_iou", name=name, size=size, foreground=foreground))
    by_name = {json.loads(metric.config)["name"]: metric for metric in metrics}
    by_name[metric_name("model", "mean_iou")].per_slice_thresholds.append(
        _overall_threshold(settings.evaluation, has_baseline)
    )
    for threshold in settings.evaluation.thresholds:
        if threshold.minimum is not None or threshold.maximum is not None:
            by_name[threshold.metric].per_slice_thresholds.append(_limits(threshold))
    return config


def _metric(class_name: str, module: str, **config: Any) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name, module=f"{_METRICS}.{module}", config=json.dumps(config)
    )


def _overall_threshold(
    evaluation: EvaluationSettings, has_baseline: bool
) -> config_pb2.PerSliceMetricThreshold:
    threshold = config_pb2.MetricThreshold()
    threshold.value_threshold.lower_bound.value = evaluation.floor
    if has_baseline:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -evaluation.max_regression
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)


def _limits(threshold: Threshold) -> config_pb2.PerSliceMetricThreshold:
    limit = config_pb2.MetricThreshold()
    if threshold.minimum is not None:
        limit.value_threshold.lower_bound.value = threshold.minimum
    if threshold.maximum is not None:
        limit.value_threshold.upper_bound.value = threshold.maximum
    spec = config_pb2.SlicingSpec(feature_keys=[threshold.slice] if threshold.slice else [])
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[spec], threshold=limit)
