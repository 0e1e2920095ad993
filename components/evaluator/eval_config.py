"""TFMA's EvalConfig, made from the settings."""

import json

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.metrics.counts_metric import CountsMetric
from components.evaluator.settings import EvaluationSettings, EvaluatorSettings, Threshold
from petseg.evaluation.resolutions import RESOLUTIONS, Resolution
from petseg.metrics.registry import MetricEntry, metric_entries

CANDIDATE = constants.CANDIDATE_KEY
BASELINE = constants.BASELINE_KEY
EXAMPLE_COUNT = "example_count"


def eval_config(settings: EvaluatorSettings, has_baseline: bool) -> config_pb2.EvalConfig:
    """Says what is measured, on which slices, and what the model must reach.

    The floor and, where there is a baseline, the regression limit hold for mean IoU at model resolution over
    all photos: a threshold without a slice would apply to every slice, too.

    Args:
        settings: Thresholds, classes and the features whose values are slices.
        has_baseline: Whether the model in production is evaluated beside the candidate.
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
    foreground = settings.evaluation.foreground_ids(settings.classes)
    metrics = config.metrics_specs[0].metrics
    metrics.add(class_name="ExampleCount", config=json.dumps({"name": EXAMPLE_COUNT}))
    for resolution in RESOLUTIONS:
        for entry in metric_entries(settings.classes.keys, bool(foreground)):
            metrics.append(_metric_config(resolution, entry, foreground))
    by_name = {json.loads(metric.config)["name"]: metric for metric in metrics}
    by_name["model/mean_iou"].per_slice_thresholds.append(
        _overall_threshold(settings.evaluation, has_baseline)
    )
    for threshold in settings.evaluation.thresholds:
        if threshold.minimum is not None or threshold.maximum is not None:
            by_name[threshold.metric].per_slice_thresholds.append(_limits(threshold))
    return config


def _metric_config(
    resolution: Resolution, entry: MetricEntry, foreground: list[int]
) -> config_pb2.MetricConfig:
    config = {"name": f"{resolution}/{entry.name}", "metric": entry.metric.name, "resolution": resolution}
    of_class = {} if entry.class_id is None else {"class_id": entry.class_id}
    of_foreground = {"foreground": foreground} if entry.metric.takes_foreground else {}
    return config_pb2.MetricConfig(
        class_name=CountsMetric.__name__,
        module=CountsMetric.__module__,
        config=json.dumps(config | of_class | of_foreground),
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
