"""Metrics against NumPy, and through TFMA's own configuration."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.confusion import (
    binary_iou,
    dice_per_class,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
    precision_per_class,
    recall_per_class,
)
from components.metrics.summed_counts import COUNTS_KEY, sum_of_output

CLASSES = 5
FOREGROUND = [1, 3]
FIGURES = {
    "mean_iou": mean_iou,
    "pixel_accuracy": pixel_accuracy,
    "iou_2": lambda c: iou_per_class(c)[2],
    "dice_2": lambda c: dice_per_class(c)[2],
    "precision_2": lambda c: precision_per_class(c)[2],
    "recall_2": lambda c: recall_per_class(c)[2],
    "binary_iou": lambda c: binary_iou(c, FOREGROUND),
}


def random_labels(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truth and prediction of some pixels; most cases lack a class in one of the two or in both."""
    pixels = rng.integers(1, 60)
    truth = rng.choice(rng.choice(CLASSES, rng.integers(1, CLASSES + 1), replace=False), pixels)
    prediction = rng.choice(rng.choice(CLASSES, rng.integers(1, CLASSES + 1), replace=False), pixels)
    return truth, prediction


def confusion_counts(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(counts, (truth, prediction), 1)
    return counts


@pytest.mark.parametrize("seed", range(40))
def test_figures_equal_scikit_learn(seed):
    truth, prediction = random_labels(np.random.default_rng(seed))
    counts = confusion_counts(truth, prediction)
    occurring = sorted({*truth, *prediction})
    expected = dict(
        zip(occurring, jaccard_score(truth, prediction, labels=occurring, average=None), strict=True)
    )
    assert iou_per_class(counts) == pytest.approx(
        [expected.get(class_id, np.nan) for class_id in range(CLASSES)], nan_ok=True
    )
    assert mean_iou(counts) == pytest.approx(np.mean(list(expected.values())))
    assert pixel_accuracy(counts) == pytest.approx(accuracy_score(truth, prediction))


@pytest.mark.parametrize("seed", range(40))
def test_figures_of_a_class_equal_scikit_learn(seed):
    truth, prediction = random_labels(np.random.default_rng(seed))
    counts = confusion_counts(truth, prediction)
    for figure, reference, occurring in (
        (dice_per_class, f1_score, {*truth, *prediction}),
        (precision_per_class, precision_score, {*prediction}),
        (recall_per_class, recall_score, {*truth}),
    ):
        labels = sorted(occurring)
        expected = dict(
            zip(
                labels,
                reference(truth, prediction, labels=labels, average=None, zero_division=0),
                strict=True,
            )
        )
        assert figure(counts) == pytest.approx(
            [expected.get(class_id, np.nan) for class_id in range(CLASSES)], nan_ok=True
        ), figure.__name__


@pytest.mark.parametrize("seed", range(40))
def test_binary_iou_equals_scikit_learn_on_two_classes(seed):
    truth, prediction = random_labels(np.random.default_rng(seed))
    there, found = np.isin(truth, FOREGROUND), np.isin(prediction, FOREGROUND)
    expected = jaccard_score(there, found) if (there | found).any() else np.nan
    counts = confusion_counts(truth, prediction)
    assert binary_iou(counts, FOREGROUND) == pytest.approx(expected, nan_ok=True)
    assert binary_iou(np.stack([counts, counts]), FOREGROUND).shape == (2,)


def test_mistakes_within_the_foreground_are_none_for_binary_iou():
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


@pytest.mark.parametrize("figure", [mean_iou, pixel_accuracy])
def test_nothing_counted_is_not_a_number(figure):
    assert np.isnan(figure(np.zeros((CLASSES, CLASSES), np.int64)))


def test_figures_of_many_photos_at_once():
    rng = np.random.default_rng(0)
    counts = np.array([[confusion_counts(*random_labels(rng)) for _ in range(2)] for _ in range(7)])
    assert iou_per_class(counts).shape == (7, 2, CLASSES)
    assert mean_iou(counts)[3, 1] == mean_iou(counts[3, 1])
    assert pixel_accuracy(counts)[3, 1] == pixel_accuracy(counts[3, 1])


def metrics_spec(model_names: list[str]) -> config_pb2.MetricsSpec:
    spec = config_pb2.MetricsSpec(model_names=model_names)
    for size in ("model", "photo"):
        for class_name, module, config in (
            ("MeanIoU", "mean_iou", {"name": f"{size}/mean_iou"}),
            ("PixelAccuracy", "pixel_accuracy", {"name": f"{size}/pixel_accuracy"}),
            ("ClassIoU", "class_iou", {"name": f"{size}/iou_2", "class_id": 2}),
            ("ClassDice", "class_dice", {"name": f"{size}/dice_2", "class_id": 2}),
            ("ClassPrecision", "class_precision", {"name": f"{size}/precision_2", "class_id": 2}),
            ("ClassRecall", "class_recall", {"name": f"{size}/recall_2", "class_id": 2}),
            ("BinaryIoU", "binary_iou", {"name": f"{size}/binary_iou", "foreground": FOREGROUND}),
        ):
            spec.metrics.add(
                class_name=class_name,
                module=f"components.metrics.{module}",
                config=json.dumps({"size": size, **config}),
            )
    return spec


def computed(models: dict[str, np.ndarray]) -> dict[metric_types.MetricKey, float]:
    """What TFMA computes of {model name: counts [photos, 2, C, C]}, accumulators merged as Beam does."""
    spec = metrics_spec(list(models))
    config = config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(name=name) for name in models], metrics_specs=[spec]
    )
    computations = metric_specs.to_computations([spec], eval_config=config)
    sums = {c for c in computations if isinstance(c, metric_types.MetricComputation)}
    assert len(sums) == len(models), "one combiner a model, whatever the number of metrics"
    photos = [
        {COUNTS_KEY: {name: {COUNTS_KEY: counts[i]} for name, counts in models.items()}}
        for i in range(len(next(iter(models.values()))))
    ]
    metrics = {}
    for computation in sums:
        (preprocessor,) = computation.preprocessors
        elements = [element for photo in photos for element in preprocessor.process(photo)]
        combiner = computation.combiner
        halves = []
        for part in (elements[:3], elements[3:], []):
            accumulator = combiner.create_accumulator()
            for element in part:
                accumulator = combiner.add_input(accumulator, element)
            halves.append(accumulator)
        metrics |= combiner.extract_output(combiner.merge_accumulators(halves))
    for computation in computations:
        if isinstance(computation, metric_types.DerivedMetricComputation):
            metrics |= computation.result(metrics)
    return metrics


@pytest.mark.parametrize("seed", range(5))
def test_tfma_metrics_equal_numpy(seed):
    rng = np.random.default_rng(seed)
    models = {
        name: np.array([[confusion_counts(*random_labels(rng)) for _ in range(2)] for _ in range(7)])
        for name in ("candidate", "baseline")
    }
    metrics = computed(models)
    for model_name, counts in models.items():
        for axis, size in enumerate(("model", "photo")):
            for name, figure in FIGURES.items():
                key = metric_types.MetricKey(name=f"{size}/{name}", model_name=model_name)
                assert metrics[key] == pytest.approx(float(figure(counts[:, axis].sum(0))), nan_ok=True)


def test_unknown_size_is_refused():
    spec = metrics_spec([""])
    spec.metrics[0].config = json.dumps({"size": "thumbnail"})
    with pytest.raises(ValueError, match="size must be one of model, photo"):
        metric_specs.to_computations([spec], eval_config=config_pb2.EvalConfig(metrics_specs=[spec]))


def test_the_sum_leaves_its_inputs_alone():
    """Beam hands one photo's counts to several slices and forbids to change them."""
    counts = np.ones((2, CLASSES, CLASSES), np.int64)
    combiner = sum_of_output(COUNTS_KEY, "").combiner
    accumulator = combiner.add_input(combiner.create_accumulator(), counts)
    combiner.merge_accumulators([accumulator, combiner.add_input(accumulator, counts)])
    assert (counts == 1).all()
    assert (accumulator == 1).all()
