"""What blesses and what refuses a model."""

from pathlib import Path

import numpy as np
import pytest
from tfx.types import artifact_utils

from petseg.errors import UserError
from petseg.metrics.iou import mean_iou
from tests.components import tiny_models
from tests.components.evaluator.evaluated_photos import PHOTOS, reference, write_examples


def test_right_model_is_blessed_on_the_first_run(evaluate, caplog):
    caplog.set_level("INFO", "petseg")
    result, _, blessing = evaluate()
    assert not [r.message for r in caplog.records if r.levelname == "WARNING" and "bytes" in r.message]
    assert result["blessed"] is True
    assert result["model"]["mean_iou"] == 1.0
    assert result["baseline"] is None
    assert result["examples"] == PHOTOS
    assert result["reason"] == (
        "mean IoU 1.0000 at model resolution on 11 test photos: above the floor 0.6000; "
        "no model in production to compare with"
    )
    assert f"blessed: {result['reason']}" in caplog.messages
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 1


@pytest.mark.parametrize("model", [{"constant": True}, {"wrong": 1.0}], ids=["constant", "shuffled"])
def test_model_below_the_floor_is_refused(evaluate, model):
    result, _, blessing = evaluate(candidate=model)
    assert result["blessed"] is False
    assert "below the floor 0.6000" in result["reason"]
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 0


def test_model_a_little_worse_than_production_is_refused(evaluate, masks):
    result, *_ = evaluate(candidate={"wrong": 0.05}, baseline={"wrong": 0.03}, max_regression=0.005)
    worse, better = (float(mean_iou(reference(masks, wrong=w)[:, 0].sum(0))) for w in (0.05, 0.03))
    assert result["blessed"] is False
    assert result["model"]["mean_iou"] == pytest.approx(worse)
    assert result["baseline"]["model"]["mean_iou"] == pytest.approx(better)
    assert result["reason"].endswith(
        f"above the floor 0.6000; {better - worse:.4f} below production's {better:.4f}, "
        "more than the 0.0050 allowed"
    )


def test_model_within_the_allowed_regression_is_blessed(evaluate):
    result, *_ = evaluate(candidate={"wrong": 0.05}, baseline={"wrong": 0.03}, max_regression=0.2)
    assert result["blessed"] is True
    assert result["reason"].endswith("within the 0.2000 allowed")


def test_model_better_than_production_is_blessed(evaluate):
    result, *_ = evaluate(candidate={"wrong": 0.03}, baseline={"wrong": 0.05})
    assert result["blessed"] is True
    assert " above production's " in result["reason"]


def test_better_than_production_but_below_the_floor_is_refused(evaluate):
    result, *_ = evaluate(candidate={"wrong": 0.5}, baseline={"wrong": 1.0})
    assert result["blessed"] is False


def test_split_without_a_labelled_pixel_is_refused(evaluate, tmp_path):
    masks = [np.full((9, 9), tiny_models.TABLE.ignored_value, np.uint8)]
    result, *_ = evaluate(examples=write_examples(tmp_path / "ignored", masks), baseline={})
    assert result["blessed"] is False
    assert result["model"]["mean_iou"] is None
    assert result["reason"] == "no mean IoU: no labeled pixel in 1 test photos"


def test_empty_split_is_refused(evaluate):
    with pytest.raises(UserError, match="split `eval` has no photos"):
        evaluate(split="eval")


def test_missing_split_is_refused(evaluate, tmp_path):
    examples = write_examples(tmp_path / "train_only", [])
    examples.split_names = artifact_utils.encode_split_names(["train"])
    with pytest.raises(UserError, match="split `test` has no photos"):
        evaluate(examples=examples)
