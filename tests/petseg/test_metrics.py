"""Metrics against scikit-learn, and the registry."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from petseg.metrics.boundary_iou import boundary_iou_per_class, mean_boundary_iou
from petseg.metrics.calibration_error import calibration_error
from petseg.metrics.counting import CONFIDENCE_BINS, CONFIDENCE_UNITS
from petseg.metrics.dice import dice_per_class
from petseg.metrics.iou import binary_iou, iou_per_class, mean_iou
from petseg.metrics.pixel_accuracy import pixel_accuracy
from petseg.metrics.precision_recall import precision_per_class, recall_per_class
from petseg.metrics.registry import METRICS, metric_entries
from tests.petseg.metric_examples import CLASSES, FOREGROUND, confusion_counts, random_pixels


@pytest.mark.parametrize("seed", range(40))
def test_metrics_equal_scikit_learn(seed):
    labels, prediction = random_pixels(np.random.default_rng(seed))
    counts = confusion_counts(labels, prediction)
    occurring = sorted({*labels, *prediction})
    expected = dict(
        zip(occurring, jaccard_score(labels, prediction, labels=occurring, average=None), strict=True)
    )
    assert iou_per_class(counts) == pytest.approx(
        [expected.get(class_id, np.nan) for class_id in range(CLASSES)], nan_ok=True
    )
    assert mean_iou(counts) == pytest.approx(np.mean(list(expected.values())))
    assert pixel_accuracy(counts) == pytest.approx(accuracy_score(labels, prediction))


@pytest.mark.parametrize("seed", range(40))
def test_metrics_per_class_equal_scikit_learn(seed):
    labels, prediction = random_pixels(np.random.default_rng(seed))
    counts = confusion_counts(labels, prediction)
    for metric, reference, occurring in (
        (dice_per_class, f1_score, {*labels, *prediction}),
        (precision_per_class, precision_score, {*prediction}),
        (recall_per_class, recall_score, {*labels}),
    ):
        class_ids = sorted(occurring)
        expected = dict(
            zip(
                class_ids,
                reference(labels, prediction, labels=class_ids, average=None, zero_division=0),
                strict=True,
            )
        )
        assert metric(counts) == pytest.approx(
            [expected.get(class_id, np.nan) for class_id in range(CLASSES)], nan_ok=True
        ), metric.__name__


@pytest.mark.parametrize("seed", range(40))
def test_binary_iou_equals_scikit_learn_on_two_classes(seed):
    labels, prediction = random_pixels(np.random.default_rng(seed))
    there, found = np.isin(labels, FOREGROUND), np.isin(prediction, FOREGROUND)
    expected = jaccard_score(there, found) if (there | found).any() else np.nan
    counts = confusion_counts(labels, prediction)
    assert binary_iou(counts, FOREGROUND) == pytest.approx(expected, nan_ok=True)
    assert binary_iou(np.stack([counts, counts]), FOREGROUND).shape == (2,)


def test_boundary_iou_is_intersection_over_union_where_there_is_a_boundary():
    overlaps = np.array([[3, 4], [0, 0], [0, 5]])
    assert boundary_iou_per_class(overlaps) == pytest.approx([0.75, np.nan, 0.0], nan_ok=True)
    assert mean_boundary_iou(overlaps) == pytest.approx(0.375)
    assert np.isnan(mean_boundary_iou(np.zeros((4, CLASSES, 2)))).all()


@pytest.mark.parametrize("seed", range(20))
def test_calibration_error_equals_scikit_learns_curve(seed):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.2, 1, rng.integers(1, 400))
    right = rng.random(len(confidence)) < confidence**2
    accuracy, mean_confidence = calibration_curve(right, confidence, n_bins=CONFIDENCE_BINS)
    bins_of_pixels = np.ceil(confidence * CONFIDENCE_BINS).astype(int) - 1
    weights = np.bincount(bins_of_pixels)[np.unique(bins_of_pixels)] / len(bins_of_pixels)
    sums = [np.bincount(bins_of_pixels, of, minlength=CONFIDENCE_BINS) for of in (None, right, confidence)]
    bins = np.stack([sums[0], sums[1], sums[2] * CONFIDENCE_UNITS], axis=-1).round().astype(np.int64)
    assert calibration_error(bins) == pytest.approx(
        (weights * abs(accuracy - mean_confidence)).sum(), abs=1e-5
    )


def test_calibration_error_is_zero_where_confidence_equals_accuracy():
    bins = np.zeros((CONFIDENCE_BINS, 3), np.int64)
    bins[11] = 4, 3, 3 * CONFIDENCE_UNITS
    assert calibration_error(bins) == 0
    bins[14] = 2, 0, 2 * CONFIDENCE_UNITS
    assert calibration_error(bins) == pytest.approx(2 / 6)
    assert np.isnan(calibration_error(np.zeros((CONFIDENCE_BINS, 3))))


def test_errors_within_the_foreground_are_none_for_binary_iou():
    counts = np.array([[5, 0, 0], [0, 1, 4], [0, 3, 2]])
    assert binary_iou(counts, [1, 2]) == 1.0
    assert binary_iou(counts, [1]) == pytest.approx(1 / 8)


def test_absent_class_does_not_touch_the_mean():
    counts = np.diag([3, 4, 0])
    assert mean_iou(counts) == 1.0
    assert np.isnan(iou_per_class(counts)[2])


def test_class_only_predicted_counts_as_zero():
    counts = np.array([[3, 0, 1], [0, 4, 0], [0, 0, 0]])
    assert iou_per_class(counts)[2] == 0.0
    assert mean_iou(counts) == pytest.approx((3 / 4 + 1 + 0) / 3)


@pytest.mark.parametrize("metric", [mean_iou, pixel_accuracy])
def test_nothing_counted_is_not_a_number(metric):
    assert np.isnan(metric(np.zeros((CLASSES, CLASSES), np.int64)))


def test_metrics_of_many_photos_at_once():
    rng = np.random.default_rng(0)
    counts = np.array([[confusion_counts(*random_pixels(rng)) for _ in range(2)] for _ in range(7)])
    assert iou_per_class(counts).shape == (7, 2, CLASSES)
    assert mean_iou(counts)[3, 1] == mean_iou(counts[3, 1])
    assert pixel_accuracy(counts)[3, 1] == pixel_accuracy(counts[3, 1])


def test_every_metric_names_itself_and_a_mean_names_a_metric_per_class():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert "/" not in name, "names of metrics are paths: model/iou/background"
        assert metric.description.endswith(".")
        assert metric.bounds[0] < metric.bounds[1]
        assert metric.mean_of is None or METRICS[metric.mean_of].per_class
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)


def test_entries_are_the_overall_metrics_and_each_class():
    counts = {"counts": confusion_counts(*random_pixels(np.random.default_rng(0)))}
    entries = {entry.name: entry for entry in metric_entries(["a", "b", "c", "d", "e"], has_foreground=True)}
    assert entries["mean_iou"].value(counts) == mean_iou(counts["counts"])
    assert entries["iou/c"].title == "IoU c"
    expected = iou_per_class(counts["counts"])[2]
    assert entries["iou/c"].value(counts) == pytest.approx(expected, nan_ok=True)
    assert entries["binary_iou"].value(counts, FOREGROUND) == binary_iou(counts["counts"], FOREGROUND)
    assert np.isnan(entries["mean_boundary_iou"].value(counts)), "not counted"
    assert "binary_iou" not in {entry.name for entry in metric_entries(["a", "b"], has_foreground=False)}
