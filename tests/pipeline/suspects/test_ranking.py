"""The order of suspicious examples, and what is said of each."""

import numpy as np
import pytest

from petseg.class_table import ClassTable
from petseg.metrics.counting import CONFIDENCE_BINS, CONFIDENCE_UNITS
from pipeline.suspects.ranking import Counted, rank, suspect

CLASSES = ClassTable.model_validate({"classes": ["sky", "tree", "traffic light"]})


def counted(name: str, confusion: list[list[int]], confidence: float) -> Counted:
    """All pixels of an example with one confidence."""
    table = np.array(confusion)
    calibration = np.zeros((CONFIDENCE_BINS, 3), np.int64)
    pixels = int(table.sum())
    row = int(np.ceil(confidence * CONFIDENCE_BINS)) - 1
    calibration[row] = pixels, np.trace(table), round(pixels * confidence * CONFIDENCE_UNITS)
    return Counted(name, table, calibration)


def ranked(*examples: Counted):
    return rank(suspect("test", one, CLASSES) for one in examples)


def test_the_most_confident_disagreement_comes_first_and_unknown_ones_last():
    found = ranked(
        Counted("broken", reason="cannot be decoded"),
        counted("unsure", [[60, 40, 0], [0, 0, 0], [0, 0, 0]], 0.5),
        counted("exchanged", [[10, 0, 50], [40, 0, 0], [0, 0, 0]], 0.95),
        counted("right", [[60, 0, 0], [0, 40, 0], [0, 0, 0]], 0.95),
    )
    assert [one.name for one in found] == ["exchanged", "unsure", "right", "broken"]
    assert found[-1].quality is None
    assert found[-1].reason == "cannot be decoded"


def test_says_which_classes_are_confused_with_their_names():
    (one,) = ranked(counted("one", [[10, 0, 50], [40, 0, 0], [0, 0, 0]], 0.95))
    assert one.disagreeing == pytest.approx(0.9)
    assert [vars(confusion) for confusion in one.confusions] == [
        {"labeled": "sky", "predicted": "traffic light", "share": 0.5},
        {"labeled": "tree", "predicted": "sky", "share": 0.4},
    ]
    assert one.to_dict(1)["rank"] == 1


def test_an_example_of_ignored_pixels_only_has_no_quality():
    (one,) = ranked(counted("void", [[0] * 3] * 3, 0.5))
    assert one.quality is None
    assert one.reason == "all its pixels are ignored"


def test_many_classes():
    table = ClassTable.model_validate({"classes": [f"class {i}" for i in range(150)]})
    confusion = np.zeros((150, 150), np.int64)
    confusion[3, 140], confusion[7, 7] = 900, 100
    calibration = np.zeros((CONFIDENCE_BINS, 3), np.int64)
    calibration[7] = 1000, 100, 500 * CONFIDENCE_UNITS
    one = suspect("train", Counted("a", confusion, calibration), table)
    assert [(c.labeled, c.predicted) for c in one.confusions] == [("class 3", "class 140")]
    assert one.quality == pytest.approx(0.5)
