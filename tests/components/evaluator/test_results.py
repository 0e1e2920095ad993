"""Figures, slices and rows of photos equal NumPy."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow_model_analysis as tfma

from petseg.evaluation.bootstrap import mean_iou_interval
from petseg.evaluation.photo_counts import examples_digest
from petseg.metrics.boundary_iou import boundary_iou_per_class, mean_boundary_iou
from petseg.metrics.calibration_error import calibration_error
from petseg.metrics.dice import dice_per_class
from petseg.metrics.iou import binary_iou, intersection_and_union, iou_per_class, mean_iou
from petseg.metrics.pixel_accuracy import pixel_accuracy
from petseg.metrics.precision_recall import precision_per_class, recall_per_class
from tests.components import tiny_models
from tests.components.evaluator.evaluated_photos import (
    BY_NAME,
    PHOTOS,
    of_model,
    reference,
    slices_of,
    write_examples,
)


def test_metrics_and_slices_equal_numpy(evaluate, masks):
    result, folder, _ = evaluate(candidate={"wrong": 0.1}, baseline={}, foreground=["thing", "rim"])
    counts = reference(masks, wrong=0.1)
    for axis, size in enumerate(("model", "native")):
        summed = counts[:, axis].sum(0)
        assert result[size]["mean_iou"] == pytest.approx(float(mean_iou(summed)))
        assert result[size]["pixel_accuracy"] == pytest.approx(float(pixel_accuracy(summed)))
        assert list(result[size]["iou"]) == list(tiny_models.TABLE.names)
        assert list(result[size]["iou"].values()) == pytest.approx(list(iou_per_class(summed)))
        besides = {output: array[:, axis].sum(0) for output, array in of_model(masks, wrong=0.1).items()}
        assert result[size]["mean_boundary_iou"] == pytest.approx(
            float(mean_boundary_iou(besides["boundary"]))
        )
        assert result[size]["calibration_error"] == pytest.approx(
            float(calibration_error(besides["calibration"]))
        )
        for metric, of_classes, array in (
            ("dice", dice_per_class, summed),
            ("precision", precision_per_class, summed),
            ("recall", recall_per_class, summed),
            ("boundary_iou", boundary_iou_per_class, besides["boundary"]),
        ):
            expected = dict(zip(tiny_models.TABLE.names, of_classes(array), strict=True))
            assert result[size][metric] == pytest.approx(expected)
        assert result[size]["binary_iou"] == pytest.approx(float(binary_iou(summed, [0, 2])))
    assert result["model"]["size"] == [tiny_models.MODEL_SIZE] * 2
    assert "size" not in result["native"]
    interval = mean_iou_interval(intersection_and_union(counts[BY_NAME, 1]))
    assert result["mean_iou_interval"] == pytest.approx(list(interval))
    assert result["examples_sha256"] == examples_digest(folder / "photos.parquet", len(tiny_models.TABLE))

    expected = {
        ((feature, value),): [i for i in range(PHOTOS) if slices_of(i).get(feature) == value]
        for feature, values in (
            ("label/kind", ("kind_0", "kind_1", "kind_2")),
            ("slice/size", ("small", "large")),
        )
        for value in values
    } | {(): list(range(PHOTOS))}
    result = tfma.load_eval_result(str(folder), model_name="candidate")
    assert {key for key, _ in result.slicing_metrics} == set(expected)
    for key, photos in expected.items():
        metrics = result.get_metrics_for_slice(key)
        assert metrics["example_count"]["doubleValue"] == len(photos)
        for axis, size in enumerate(("model", "native")):
            summed = counts[photos, axis].sum(0)
            assert metrics[f"{size}/mean_iou"]["doubleValue"] == pytest.approx(float(mean_iou(summed)))
            for name, iou in zip(tiny_models.TABLE.names, iou_per_class(summed), strict=True):
                assert metrics[f"{size}/iou/{name}"]["doubleValue"] == pytest.approx(float(iou), nan_ok=True)


def test_rows_of_photos_equal_numpy(evaluate, masks):
    _, folder, _ = evaluate(candidate={"wrong": 0.1}, baseline={})
    counts, besides = reference(masks, wrong=0.1), of_model(masks, wrong=0.1)
    assert pq.read_table(folder / "photos.parquet").to_pylist() == [
        {
            "name": f"photo_{i}",
            "split": "test",
            "label/kind": slices_of(i).get("label/kind"),
            "slice/size": slices_of(i)["slice/size"],
            "counts_model": counts[i, 0].ravel().tolist(),
            "counts_native": counts[i, 1].ravel().tolist(),
            **{
                f"{output}_{size}": besides[output][i, axis].ravel().tolist()
                for output in ("boundary", "calibration")
                for axis, size in enumerate(("model", "native"))
            },
        }
        for i in BY_NAME
    ]


def test_class_that_occurs_nowhere_has_no_iou(evaluate, tmp_path):
    masks = [np.where(mask == 3, 1, mask).astype(np.uint8) for mask in tiny_models.random_masks(4, seed=5)]
    result, *_ = evaluate(examples=write_examples(tmp_path / "no_rim", masks))
    for size in ("model", "native"):
        assert result[size]["iou"] == {"thing": 1.0, "ground": 1.0, "rim": None}
        assert result[size]["mean_iou"] == 1.0


@pytest.mark.slow
def test_engines_agree(evaluate, masks, tmp_path_factory):
    result, folder, _ = evaluate(
        candidate={"wrong": 0.1},
        beam_args=("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
    )
    counts = reference(masks, wrong=0.1)
    assert result["examples"] == PHOTOS
    assert result["model"]["mean_iou"] == pytest.approx(float(mean_iou(counts[:, 0].sum(0))))
    rows = pq.read_table(folder / "photos.parquet").to_pylist()
    assert [row["counts_native"] for row in rows] == counts[BY_NAME, 1].reshape(PHOTOS, -1).tolist()
