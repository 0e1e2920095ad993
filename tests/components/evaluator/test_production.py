"""The model in production as a baseline."""

import io
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from petseg.class_table import ClassTable
from petseg.errors import UserError
from tests.components import tiny_models


def test_production_of_other_classes_is_refused(evaluate):
    two = ClassTable(classes=tiny_models.TABLE.classes[:2])
    with pytest.raises(UserError, match=r"was trained on the mask values \[1, 2\], the data has \[1, 2, 3\]"):
        evaluate(baseline={"classes": two})


def test_two_models_are_loaded_once_each_and_not_for_every_batch(evaluate, monkeypatch):
    loaded = []
    load = tf.saved_model.load
    monkeypatch.setattr(tf.saved_model, "load", lambda path, *_: loaded.append(path) or load(path))
    evaluate(candidate={"wrong": 0.1}, baseline={}, batch_size=2)
    assert len(loaded) == len(set(loaded)) == 2


def test_production_is_not_asked_again_about_photos_it_was_evaluated_on(evaluate, tmp_path):
    kept = tmp_path / "known_counts"
    first, *_ = evaluate(candidate={"wrong": 0.3}, known_counts=kept)
    (file,) = kept.iterdir()
    (tmp_path / "candidate").rename(tmp_path / "production")
    for folder in ("evaluation", "blessing"):
        shutil.rmtree(tmp_path / folder)
    again, *_ = evaluate(candidate={}, baseline=None, known_counts=kept)
    assert again["baseline"]["model"] == first["model"]
    assert len(list(kept.iterdir())) == 2

    table = pq.read_table(file)
    right = io.BytesIO()
    np.savez(right, counts=np.stack([np.eye(len(tiny_models.TABLE), dtype=np.int64)] * 2))
    forged = pa.table({"record": table["record"], "counted": [right.getvalue()] * len(table)}, table.schema)
    pq.write_table(forged, file)
    for folder in ("candidate", "evaluation", "blessing"):
        shutil.rmtree(tmp_path / folder)
    from_file, *_ = evaluate(candidate={}, baseline=None, known_counts=kept)
    assert from_file["baseline"]["model"]["mean_iou"] == 1.0
    assert file in kept.iterdir()
    assert len(list(kept.iterdir())) == 2


def test_a_damaged_file_of_known_counts_is_written_anew(evaluate, tmp_path):
    kept = tmp_path / "known_counts"
    first, *_ = evaluate(candidate={"wrong": 0.3}, known_counts=kept)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    (tmp_path / "candidate").rename(tmp_path / "production")
    for folder in ("evaluation", "blessing"):
        shutil.rmtree(tmp_path / folder)
    again, *_ = evaluate(candidate={}, baseline=None, known_counts=kept)
    assert again["baseline"]["model"] == first["model"]
    assert pq.read_table(file).num_rows == pq.read_table(io.BytesIO(whole)).num_rows
    assert not (tmp_path / "evaluation" / "known_counts").exists()


def test_production_of_an_older_version_is_a_baseline_still(evaluate):
    """It counts no bands and no confidences: what is made of them is absent, and compared with nothing."""
    result, *_ = evaluate(
        candidate={"wrong": 0.05},
        baseline={"wrong": 0.03, "old": True},
        max_regression=0.2,
        thresholds=[
            {"metric": "model/mean_boundary_iou", "minimum": 0.1, "max_regression": 0.0},
            {"metric": "native/calibration_error", "slice": "slice/size", "max_regression": 0.0},
        ],
    )
    assert result["blessed"] is True
    assert result["reason"].endswith("within the 0.2000 allowed; all of 2 thresholds reached")
    for size in ("model", "native"):
        assert result[size]["mean_boundary_iou"] > 0
        before = result["baseline"][size]
        assert before["mean_iou"] > result[size]["mean_iou"]
        assert before["mean_boundary_iou"] is before["calibration_error"] is None
        assert before["boundary_iou"] == dict.fromkeys(tiny_models.TABLE.names)


def test_a_model_of_an_older_version_is_evaluated_but_reaches_no_threshold_on_what_it_does_not_count(
    evaluate,
):
    result, folder, _ = evaluate(
        candidate={"old": True}, thresholds=[{"metric": "model/mean_boundary_iou", "minimum": 0.0}]
    )
    assert result["model"]["mean_iou"] == 1.0
    assert result["blessed"] is False
    assert result["reason"].endswith("model/mean_boundary_iou is nan for all photos, below 0.0000")
    for row in pq.read_table(folder / "photos.parquet").to_pylist():
        assert row["counts_model"]
        assert row["boundary_model"] is row["calibration_native"] is None
