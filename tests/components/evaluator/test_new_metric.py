"""The doors of CONTRIBUTING.md: a metric from existing counts, and one from new counts."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from petseg.evaluation.photo_counts import read_counts
from petseg.metrics.iou import iou_per_class
from petseg.metrics.metric import Metric
from petseg.metrics.registry import METRICS
from tests.components import tiny_models
from tests.components.evaluator.evaluated_photos import reference
from trainer.export.counts import COUNT_OUTPUTS
from trainer.export.counts.predicted_photo import CountOutput, PredictedPhoto


def worst_iou(counts: np.ndarray) -> np.ndarray:
    return np.nanmin(iou_per_class(counts), axis=-1)


WORST_IOU = Metric(
    name="worst_iou",
    title="worst IoU",
    description="IoU of the worst class.",
    counts="counts",
    function=worst_iou,
)


def test_a_metric_from_existing_counts_is_measured_and_has_thresholds(evaluate, masks, monkeypatch):
    monkeypatch.setitem(METRICS, "worst_iou", WORST_IOU)
    result, folder, _ = evaluate(
        candidate={"wrong": 0.1}, thresholds=[{"metric": "native/worst_iou", "minimum": 0.99}]
    )
    expected = [float(worst_iou(counts)) for counts in reference(masks, wrong=0.1).sum(0)]
    assert [result["model"]["worst_iou"], result["native"]["worst_iou"]] == pytest.approx(expected)
    measured = tfma.load_eval_result(str(folder), model_name="candidate").get_metrics_for_slice(())
    assert measured["native/worst_iou"]["doubleValue"] == pytest.approx(expected[1])
    assert result["blessed"] is False
    assert result["reason"].endswith(f"native/worst_iou is {expected[1]:.4f} for all photos, below 0.9900")


def count_predicted(photo: PredictedPhoto) -> tf.Tensor:
    return tf.math.bincount(tf.cast(photo.prediction, tf.int32), minlength=photo.classes, dtype=tf.int64)


def rarest_share(predicted: np.ndarray) -> np.ndarray:
    return predicted.min(-1) / predicted.sum(-1)


def test_a_metric_from_new_counts_is_counted_stored_and_measured(evaluate, masks, monkeypatch):
    predicted = CountOutput(name="predicted", shape=lambda classes: [classes], function=count_predicted)
    monkeypatch.setitem(COUNT_OUTPUTS, "predicted", predicted)
    metric = Metric(
        name="rarest_share",
        title="share of the rarest class",
        description="Share of the pixels that have the class predicted least.",
        counts="predicted",
        function=rarest_share,
    )
    monkeypatch.setitem(METRICS, "rarest_share", metric)
    result, folder, _ = evaluate(candidate={"constant": True})
    assert result["native"]["rarest_share"] == 0.0
    photos = pq.read_table(folder / "photos.parquet")
    counts = read_counts(photos, "predicted", "native", len(tiny_models.TABLE))
    assert counts.shape == (len(masks), len(tiny_models.TABLE))
    assert counts.sum(0).tolist() == [sum(mask.size for mask in masks), 0, 0]
