"""Messages that name classes stay readable where there are many."""

import pytest

from components.evaluator.settings import EvaluationSettings
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import listed

NAMES = [f"class {number}" for number in range(150)]


def test_a_long_list_names_the_first_ones():
    assert listed(["a", "b"]) == "a, b"
    assert listed(NAMES, most=2) == "class 0, class 1 and 148 more"


def test_an_unknown_metric_or_class_does_not_list_all_that_are_known():
    table = ClassTable.model_validate({"classes": NAMES})
    evaluation = EvaluationSettings(thresholds=({"metric": "quality", "minimum": 0.5},))
    with pytest.raises(
        ValueError, match=r"'quality' is not in this data; it can be one of model/mean_iou, .* more$"
    ):
        evaluation.check_against(table, ())
    with pytest.raises(ValueError, match="class 11 and 138 more; received 'wheel'"):
        DataSettings(classes=table, sized_class="wheel")
