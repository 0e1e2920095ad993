"""Exported files in the report and the model card."""

from types import SimpleNamespace

import pytest

from components.exporter.entry import failed_entry
from components.run_report.exported_files import ExportedFile, markdown_table
from components.run_report.templates import ABSENT, template_engine

LATENCY = {"median": 3.21, "p95": 4.5, "model_median": 9.87, "model_p95": 12.0, "photos": 50}
INT8 = {
    "bytes": 1_900_000,
    "mean_iou": 0.7012,
    "difference": -0.0123,
    "interval": [-0.02, -0.005],
    "pixel_agreement": 0.9812,
    "least_equal": "beagle_1",
    "worst_slice": {
        "name": "label/weather = rain", "examples": 35, "difference": -0.05, "interval": [-0.06, -0.04],
        "class": "car",
    },
    "latency_ms": LATENCY,
    "stays_float": ["RESIZE_BILINEAR"],
    "warnings": [],
    "verdict": "refused",
    "reason": "all examples (70 examples): mean IoU 0.0123 lower",
}  # fmt: skip
NOT_COMPARED = INT8 | {
    "mean_iou": None,
    "difference": None,
    "interval": [None, None],
    "worst_slice": None,
    "stays_float": [],
}
"""Of examples without a labeled pixel."""

FAILED = failed_entry("cannot be converted: Bitcast")


@pytest.fixture
def exports():
    entries = {"litert_int8": INT8, "onnx": NOT_COMPARED, "litert_float16": FAILED}
    return [ExportedFile(name, entry, "") for name, entry in entries.items()]


def test_the_model_card_has_a_row_for_each_format(exports):
    _, _, int8, onnx, float16 = markdown_table(exports)
    for text in (
        "1900000",
        "3.2",
        "9.9",
        "0.7012",
        "98.12%",
        "refused",
        "label/weather = rain (35 examples)",
    ):
        assert text in int8
    assert ABSENT in onnx
    assert "cannot be converted: Bitcast" in float16
    assert {row.count("|") for row in markdown_table(exports)} == {10}


def test_the_report_has_a_row_for_each_format(exports):
    engine = template_engine("components.run_report")
    page = engine.get_template("exported_files.html.jinja").render(run=SimpleNamespace(exports=exports))
    for text in (
        "1.9 MB",
        "label/weather = rain (35)",
        "most on car",
        "litert_int8 computes in float: RESIZE_BILINEAR",
        "cannot be converted: Bitcast",
        ">9.9<",
    ):
        assert text in page
