"""The model in production as a baseline."""

import io
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from PIL import Image
from tfx.types import standard_artifacts

from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.tf_photo import decode_photo
from tests.components import tiny_models
from tests.exif_files import ORIENTATIONS, turned_jpeg
from trainer.data.preprocessing import decode_mask
from trainer.export.counts.confusion_counts import confusion_counts


def test_production_of_other_classes_is_refused(evaluate):
    two = ClassTable(classes=tiny_models.TABLE.classes[:2])
    with pytest.raises(UserError, match=r"was trained on the mask values \[1, 2\], the data has \[1, 2, 3\]"):
        evaluate(baseline={"classes": two})


@pytest.mark.parametrize("ignored", [None, 200])
def test_production_with_another_ignored_value_is_compared(evaluate, ignored):
    table = tiny_models.TABLE.model_copy(update={"ignored_value": ignored})
    same, *_ = evaluate(baseline={"classes": table})
    assert same["baseline"]["native"]["mean_iou"] == same["native"]["mean_iou"] == 1.0


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


class PhotoModel(tf.Module):
    """Predicts by the photo's brightness: dark, medium and bright pixels are the three classes.

    Args:
        decode: From a photo's bytes to its pixels [h, w, 3].
    """

    def __init__(self, decode):
        super().__init__()
        self._decode = decode

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples):
        return {
            "counts": tf.map_fn(self._count, examples, fn_output_signature=tf.TensorSpec([2, 3, 3], tf.int64))
        }

    def _count(self, example):
        feature = tf.io.FixedLenFeature([], tf.string)
        pair = tf.io.parse_single_example(example, {"image/encoded": feature, "mask/encoded": feature})
        labels = decode_mask(pair["mask/encoded"], tiny_models.TABLE)
        prediction = self._decode(pair["image/encoded"])[..., 0] // 86
        # What lies sideways is stretched to the mask's shape, as a network's probabilities are.
        prediction = tf.image.resize(prediction[..., None], tf.shape(labels), method="nearest")[..., 0]
        return tf.stack([confusion_counts(labels, prediction, 3)] * 2)


def decode_as_stored(photo):
    return tf.io.decode_image(photo, channels=3, expand_animations=False)


def save_photo_model(artifact, decode, **settings):
    model = PhotoModel(decode)
    tiny_models.save_as_exported(model, artifact / "Format-Serving", {"evaluate": model.evaluate}, **settings)


def test_production_of_the_first_release_is_compared_on_upright_photos(evaluate, tmp_path):
    """It knows no EXIF: of phone photos as they are stored, a worse model would seem better than it."""
    ids = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 3, (3, 4)), 16, axis=0), 16, axis=1)
    photo = Image.fromarray((ids * 86 + 43).astype(np.uint8))
    mask = np.array(tiny_models.TABLE.values, np.uint8)[ids]
    records = [
        tiny_models.raw_example(f"turned_{orientation}", mask, {}, turned_jpeg(photo, orientation))
        for orientation in ORIENTATIONS
    ]
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(tmp_path / "examples"), '["test"]'
    tiny_models.write_split(tmp_path / "examples" / "Split-test", records)
    save_photo_model(tmp_path / "production", decode_as_stored)
    save_photo_model(tmp_path / "candidate", decode_photo, export_version=2)
    result, *_ = evaluate(examples=examples)
    assert result["native"]["mean_iou"] == 1.0
    assert result["baseline"]["native"]["mean_iou"] == 1.0
