"""`compare` takes pushed models and exported files beside runs."""

import json
import shutil

import pytest

from petseg.errors import UserError
from petseg.versions.origin import ORIGIN_FILE
from pipeline.exporting.candidates import evaluated_runs
from pipeline.runs.comparison import compare_runs
from tests.conftest import petseg
from tests.pipeline.exporting.conftest import RUN_ID, TEST_PHOTOS, version_of


def compared(*paths):
    with evaluated_runs(paths, None) as runs:
        return compare_runs(runs, seed=0)


def test_a_file_is_compared_with_the_model_that_it_was_exported_from(exported_output, tmp_path):
    version = version_of(exported_output)
    file, page = version / "exports" / "model.onnx", tmp_path / "page.html"
    done = petseg("compare", version, file, "--output", page)
    assert done.status == 0, done.stderr
    assert done.stderr == "", "no progress without a terminal"
    for line in (
        f"A  {exported_output / 'runs' / RUN_ID}",
        f"B  {file}",
        f"{TEST_PHOTOS} photos",
        "The settings are the same.",
    ):
        assert line in done.stdout
    assert "label/weather rain" in done.stdout
    reason = json.loads((version / "exports" / "exports.json").read_text())["onnx"]["reason"]
    assert f"accepted by Exporter: {reason}" in page.read_text()


def test_the_counts_are_those_of_the_run_where_the_masks_are_equal(exported_output):
    version = version_of(exported_output)
    comparison = compared(exported_output, version / "exports" / "model.onnx")
    assert comparison.photos == TEST_PHOTOS
    for values in comparison.metrics.values():
        assert values[0] == pytest.approx(values[1], abs=1e-3, nan_ok=True)
    exports = json.loads((version / "exports" / "exports.json").read_text())
    assert comparison.metrics["native", "mean IoU"][1] == pytest.approx(exports["onnx"]["mean_iou"])
    (change,) = comparison.changes
    assert change.differences["native"].value == pytest.approx(exports["onnx"]["difference"], abs=1e-6)


def test_a_file_anywhere_is_of_the_first_model(exported_output, tmp_path):
    file = tmp_path / "phone.tflite"
    shutil.copy(version_of(exported_output) / "exports" / "model_float16.tflite", file)
    for first in (exported_output, version_of(exported_output), exported_output / "serving_model"):
        (change,) = compared(first, file).changes
        assert abs(change.differences["native"].value) < 0.05
    with pytest.raises(UserError, match="in no folder of a pushed model; name its model or the run"):
        compared(file, exported_output)


def test_a_model_whose_run_is_gone_is_evaluated(exported_output, copied_version):
    origin = json.loads((copied_version / ORIGIN_FILE).read_text())
    (copied_version / ORIGIN_FILE).write_text(json.dumps({**origin, "run_id": "20000101-000000"}))
    comparison = compared(exported_output, copied_version)
    assert comparison.metrics["native", "mean IoU"][0] == comparison.metrics["native", "mean IoU"][1]
    (copied_version / ORIGIN_FILE).unlink()
    with pytest.raises(UserError, match="give photos and masks with --data DIR"):
        compared(exported_output, copied_version)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.onnx", b"half a file", "model.onnx: it does not run: .*; it is damaged, or of another model"),
        ("model.xyz", b"", "model.xyz: no format has files of this name; known are model.onnx, "),
    ],
)
def test_what_is_no_exported_file_is_named(name, content, message, exported_output, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        compared(exported_output, tmp_path / name)


def test_a_run_that_pushed_no_model_has_none_to_evaluate(exported_output, tmp_path):
    output = shutil.copytree(exported_output / "runs", tmp_path / "out" / "runs").parent
    push = {"pushed": False, "version": None, "reason": ""}
    (output / "runs" / RUN_ID / "push.json").write_text(json.dumps(push))
    file = shutil.copy(version_of(exported_output) / "exports" / "model.onnx", tmp_path)
    with pytest.raises(UserError, match="this run has pushed no model"):
        compared(output, tmp_path / "model.onnx")
    assert file
