"""Metrics against NumPy, and through TFMA's own configuration."""

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.metrics.summed_counts import (
    BOUNDARY,
    CALIBRATION,
    CONFUSION,
    COUNTS_KEY,
    sum_of_counts,
)
from petseg.metrics.boundary import boundary_iou_per_class, mean_boundary_iou
from petseg.metrics.calibration import calibration_error
from petseg.metrics.confusion import (
    binary_iou,
    dice_per_class,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
    precision_per_class,
    recall_per_class,
)
from petseg.metrics.counting import CONFIDENCE_BINS, CONFIDENCE_UNITS

CLASSES = 5
FOREGROUND = [1, 3]
FIGURES = {
    CONFUSION: {
        "mean_iou": mean_iou,
        "pixel_accuracy": pixel_accuracy,
        "iou_2": lambda c: iou_per_class(c)[2],
        "dice_2": lambda c: dice_per_class(c)[2],
        "precision_2": lambda c: precision_per_class(c)[2],
        "recall_2": lambda c: recall_per_class(c)[2],
        "binary_iou": lambda c: binary_iou(c, FOREGROUND),
    },
    BOUNDARY: {
        "mean_boundary_iou": mean_boundary_iou,
        "boundary_iou_2": lambda c: boundary_iou_per_class(c)[2],
    },
    CALIBRATION: {"calibration_error": calibration_error},
}
"""Figures by the output of `evaluate` that they are made of."""


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
    places = np.ceil(confidence * CONFIDENCE_BINS).astype(int) - 1
    weights = np.bincount(places)[np.unique(places)] / len(places)
    sums = [np.bincount(places, of, minlength=CONFIDENCE_BINS) for of in (None, right, confidence)]
    bins = np.stack([sums[0], sums[1], sums[2] * CONFIDENCE_UNITS], axis=-1).round().astype(np.int64)
    assert calibration_error(bins) == pytest.approx(
        (weights * abs(accuracy - mean_confidence)).sum(), abs=1e-5
    )


def test_calibration_error_is_zero_where_confidence_is_earned():
    bins = np.zeros((CONFIDENCE_BINS, 3), np.int64)
    bins[11] = 4, 3, 3 * CONFIDENCE_UNITS
    assert calibration_error(bins) == 0
    bins[14] = 2, 0, 2 * CONFIDENCE_UNITS
    assert calibration_error(bins) == pytest.approx(2 / 6)
    assert np.isnan(calibration_error(np.zeros((CONFIDENCE_BINS, 3))))


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
            ("MeanBoundaryIoU", "mean_boundary_iou", {"name": f"{size}/mean_boundary_iou"}),
            ("CalibrationError", "calibration_error", {"name": f"{size}/calibration_error"}),
            ("ClassBoundaryIoU", "class_boundary_iou", {"name": f"{size}/boundary_iou_2", "class_id": 2}),
            ("ClassIoU", "class_iou", {"name": f"{size}/iou_2", "class_id": 2}),
            ("ClassDice", "class_dice", {"name": f"{size}/dice_2", "class_id": 2}),
            ("ClassPrecision", "class_precision", {"name": f"{size}/precision_2", "class_id": 2}),
            ("ClassRecall", "class_recall", {"name": f"{size}/recall_2", "class_id": 2}),
            ("BinaryIoU", "binary_iou", {"name": f"{size}/binary_iou", "foreground": FOREGROUND}),
        ):
            spec.metrics.add(
                class_name=class_name,
                module=f"components.evaluator.metrics.{module}",
                config=json.dumps({"size": size, **config}),
            )
    return spec


def random_photo(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What `evaluate` may say of a photo."""
    in_one = rng.integers(0, 30, (2, CLASSES))
    right = rng.integers(0, 50, (2, CONFIDENCE_BINS))
    pixels = right + rng.integers(0, 50, right.shape)
    confidences = pixels * rng.integers(0, CONFIDENCE_UNITS, right.shape)
    return {
        CONFUSION: np.array([confusion_counts(*random_labels(rng)) for _ in range(2)]),
        BOUNDARY: np.stack([rng.integers(0, in_one + 1), in_one], axis=-1),
        CALIBRATION: np.stack([pixels, right, confidences], axis=-1),
    }


def computed(models: dict[str, list[dict[str, np.ndarray]]]) -> dict[metric_types.MetricKey, float]:
    """What TFMA computes of {model name: what `evaluate` says of each photo}, merged as Beam does."""
    spec = metrics_spec(list(models))
    config = config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(name=name) for name in models], metrics_specs=[spec]
    )
    computations = metric_specs.to_computations([spec], eval_config=config)
    sums = {c for c in computations if isinstance(c, metric_types.MetricComputation)}
    assert len(sums) == len(models), "one combiner a model, whatever the number of metrics"
    photos = [
        {COUNTS_KEY: dict(zip(models, counted, strict=True))}
        for counted in zip(*models.values(), strict=True)
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
    models = {name: [random_photo(rng) for _ in range(7)] for name in ("candidate", "baseline")}
    metrics = computed(models)
    for model_name, photos in models.items():
        for output, figures in FIGURES.items():
            summed = np.sum([photo[output] for photo in photos], axis=0)
            for axis, size in enumerate(("model", "photo")):
                for name, figure in figures.items():
                    key = metric_types.MetricKey(name=f"{size}/{name}", model_name=model_name)
                    assert metrics[key] == pytest.approx(float(figure(summed[axis])), nan_ok=True)


def test_a_model_that_counts_less_has_fewer_metrics():
    """Models of older versions know confusion counts only."""
    rng = np.random.default_rng(0)
    new = [random_photo(rng) for _ in range(7)]
    old = [{CONFUSION: photo[CONFUSION]} for photo in new]
    metrics = computed({"candidate": new, "baseline": old})
    names = {
        model: {key.name for key in metrics if key.model_name == model and not key.name.startswith("_")}
        for model in ("candidate", "baseline")
    }
    assert names["candidate"] - names["baseline"] == {
        f"{size}/{name}"
        for size in ("model", "photo")
        for output in (BOUNDARY, CALIBRATION)
        for name in FIGURES[output]
    }
    for name in names["baseline"]:
        candidate, baseline = (
            metrics[metric_types.MetricKey(name=name, model_name=model)] for model in names
        )
        assert candidate == pytest.approx(baseline, nan_ok=True)


def test_unknown_size_is_refused():
    spec = metrics_spec([""])
    spec.metrics[0].config = json.dumps({"size": "thumbnail"})
    with pytest.raises(ValueError, match="size must be one of model, photo"):
        metric_specs.to_computations([spec], eval_config=config_pb2.EvalConfig(metrics_specs=[spec]))


def test_the_sum_leaves_its_inputs_alone():
    """Beam hands one photo's counts to several slices and forbids to change them."""
    counted = {CONFUSION: np.ones((2, CLASSES, CLASSES), np.int64)}
    combiner = sum_of_counts("").combiner
    accumulator = combiner.add_input(combiner.create_accumulator(), counted)
    twice = combiner.merge_accumulators(
        [accumulator, combiner.add_input(combiner.create_accumulator(), counted)]
    )
    assert (counted[CONFUSION] == 1).all()
    assert (accumulator[CONFUSION] == 1).all()
    assert (twice[CONFUSION] == 2).all()
