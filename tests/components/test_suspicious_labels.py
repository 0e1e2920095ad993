"""The report names the evaluated examples whose labels the model disagrees with most confidently."""

from types import SimpleNamespace

import pyarrow as pa
import pytest

from components.run_report.suspicious_labels import MOST, suspicious_labels
from petseg.class_table import ClassTable
from petseg.evaluation.photo_counts import counts_field
from petseg.metrics.counting import CALIBRATION, CONFIDENCE_UNITS

CLASSES = ClassTable.model_validate(["sky", "tree"])


def photos(correct: list[int]) -> pa.Table:
    """Examples of 100 pixels with a confidence of 90 %, of which so many are correct; -1: none is counted."""
    rows = [[100, pixels, 90 * CONFIDENCE_UNITS] if pixels >= 0 else [0, 0, 0] for pixels in correct]
    field = counts_field(CALIBRATION, "native", [1, 3])
    names = [f"photo {index}" for index in range(len(correct))]
    return pa.table(
        [pa.array(names), pa.array(rows, pa.list_(pa.int64()))],
        pa.schema([pa.field("name", pa.string()), field]),
    )


def test_the_most_suspicious_examples_are_named_in_order():
    rows = suspicious_labels(SimpleNamespace(photos=photos([100, 40, -1, 90]), classes=CLASSES))
    assert [name for name, _ in rows] == ["photo 1", "photo 3", "photo 0"]
    assert rows[-1][1] == "label quality 0.9000"


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (25, MOST)])
def test_no_more_than_a_few(number, shown):
    assert len(suspicious_labels(SimpleNamespace(photos=photos([50] * number), classes=CLASSES))) == shown


def test_none_of_a_model_that_does_not_count_confidences():
    table = pa.table({"name": ["a"]})
    assert suspicious_labels(SimpleNamespace(photos=table, classes=CLASSES)) == []
