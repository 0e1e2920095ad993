"""The TFMA metric against NumPy, through TFMA's own configuration."""

import json

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.metrics.summed_counts import COUNTS_KEY, sum_of_counts
from petseg.metrics.boundary_iou import boundary_iou_per_class, mean_boundary_iou
from petseg.metrics.calibration_error import calibration_error
from petseg.metrics.counting import BOUNDARY, CALIBRATION, CONFIDENCE_BINS, CONFIDENCE_UNITS, CONFUSION
from petseg.metrics.dice import dice_per_class
from petseg.metrics.iou import binary_iou, iou_per_class, mean_iou
from petseg.metrics.pixel_accuracy import pixel_accuracy
from petseg.metrics.precision_recall import precision_per_class, recall_per_class
from petseg.metrics.registry import METRICS
from tests.petseg.metric_examples import CLASSES, FOREGROUND, confusion_counts, random_pixels

CLASS_ID = 2


def metrics_spec(model_names: list[str]) -> config_pb2.MetricsSpec:
    spec = config_pb2.MetricsSpec(model_names=model_names)
    for resolution in ("model", "native"):
        for name, metric in METRICS.items():
            config = {"name": f"{resolution}/{name}", "metric": name, "resolution": resolution}
            config |= {"class_id": CLASS_ID} if metric.per_class else {}
            config |= {"foreground": FOREGROUND} if metric.takes_foreground else {}
            spec.metrics.add(
                class_name="CountsMetric",
                module="components.evaluator.metrics.counts_metric",
                config=json.dumps(config),
            )
    return spec


def expected_value(name: str, counts: np.ndarray) -> float:
    """NumPy's value of summed counts."""
    return {
        "mean_iou": lambda: mean_iou(counts),
        "binary_iou": lambda: binary_iou(counts, FOREGROUND),
        "pixel_accuracy": lambda: pixel_accuracy(counts),
        "mean_boundary_iou": lambda: mean_boundary_iou(counts),
        "calibration_error": lambda: calibration_error(counts),
        "iou": lambda: iou_per_class(counts)[CLASS_ID],
        "dice": lambda: dice_per_class(counts)[CLASS_ID],
        "precision": lambda: precision_per_class(counts)[CLASS_ID],
        "recall": lambda: recall_per_class(counts)[CLASS_ID],
        "boundary_iou": lambda: boundary_iou_per_class(counts)[CLASS_ID],
    }[name]()


def random_photo(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What `evaluate` may say of a photo."""
    in_one = rng.integers(0, 30, (2, CLASSES))
    right = rng.integers(0, 50, (2, CONFIDENCE_BINS))
    pixels = right + rng.integers(0, 50, right.shape)
    confidences = pixels * rng.integers(0, CONFIDENCE_UNITS, right.shape)
    return {
        CONFUSION: np.array([confusion_counts(*random_pixels(rng)) for _ in range(2)]),
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
        for name, metric in METRICS.items():
            summed = np.sum([photo[metric.counts] for photo in photos], axis=0)
            for axis, resolution in enumerate(("model", "native")):
                key = metric_types.MetricKey(name=f"{resolution}/{name}", model_name=model_name)
                expected = float(expected_value(name, summed[axis]))
                assert metrics[key] == pytest.approx(expected, nan_ok=True)


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
        f"{resolution}/{name}"
        for resolution in ("model", "native")
        for name, metric in METRICS.items()
        if metric.counts != CONFUSION
    }
    for name in names["baseline"]:
        candidate, baseline = (
            metrics[metric_types.MetricKey(name=name, model_name=model)] for model in names
        )
        assert candidate == pytest.approx(baseline, nan_ok=True)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"metric": "mean_iou", "resolution": "thumbnail"}, "resolution must be one of model, native"),
        ({"metric": "median_iou", "resolution": "model"}, "metric must be one of mean_iou, "),
    ],
)
def test_unknown_names_are_refused(config, message):
    spec = metrics_spec([""])
    spec.metrics[0].config = json.dumps(config)
    with pytest.raises(ValueError, match=message):
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
