"""Report and model card of many classes: nothing is too wide, and what is long can be sorted and searched."""

import json

import numpy as np
import pytest

from components.artifacts import RunReport
from components.run_report.confusions import most_confused, taken_for
from components.run_report.executor import Executor
from components.run_report.templates import ABSENT
from tests.browser import needs_chromium, shown
from tests.components.report_inputs import SETTINGS, write_inputs
from tests.components.report_photos import drawn_pairs
from tests.components.serving_models import save_model

CLASSES = 150
NAMES = ["road", "tree", "sky", *(f"class of a rather long name {number}" for number in range(CLASSES - 3))]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The folder of a report on three classes that occur and 147 that do not."""
    folder = tmp_path_factory.mktemp("many")
    model_dir = save_model(folder / "model" / "Format-Serving")
    table = [{"value": 10 * (number + 1), "name": name} for number, name in enumerate(NAMES[:3])]
    free = [value for value in range(1, 256) if value not in (10, 20, 30)]
    table += [{"value": free[number], "name": name} for number, name in enumerate(NAMES[3:])]
    settings = json.loads(json.dumps(SETTINGS))
    settings["data"]["classes"] = {"classes": table, "ignored_value": 0}
    inputs, properties = write_inputs(folder / "inputs", model_dir, list(drawn_pairs(6)), settings)
    artifact = RunReport()
    artifact.uri = str(folder / "report")
    (folder / "report").mkdir()
    Executor().Do(inputs, {"report": [artifact]}, properties)
    return folder / "report"


def test_the_pairs_most_confused_are_those_with_the_most_wrong_pixels():
    counts = np.array([[50, 0, 10], [30, 70, 0], [0, 5, 0]])
    pairs = [(pair.label, pair.prediction, pair.pixels) for pair in most_confused(counts)]
    assert pairs == [(1, 0, 30), (0, 2, 10), (2, 1, 5)]
    first = most_confused(counts)[0]
    assert (first.of_label, first.of_errors) == (30 / 100, 30 / 45)
    assert [mistake and mistake.prediction for mistake in taken_for(counts)] == [2, 0, 1]
    assert taken_for(np.diag([3, 0, 4])) == [None, None, None]
    assert most_confused(np.zeros((200, 200), np.int64)) == []


def test_the_page_is_no_larger_than_its_pictures_and_a_few_tables(report):
    """A matrix of 150 x 150 cells would be 2 MB, and every metric of every class at every photo as much."""
    assert len((report / "report.html").read_text()) < 1_500_000


def test_the_model_card_has_one_row_for_each_class(report):
    card = (report / "model_card.md").read_text()
    rows = [line for line in card.splitlines() if line.startswith("| class of a rather")]
    assert len(rows) == CLASSES - 3
    assert "| mean IoU |" in card


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(report, width, color_scheme):
    with shown((report / "report.html").as_uri(), width, color_scheme) as page:
        assert not page.is_wider_than_the_window()
        assert page.broken_images() == page.errors == page.outside == []
        if width >= 1280:
            assert page.cut_tables("#classes") == 0


@needs_chromium
def test_columns_sort_and_rows_are_found(report):
    with shown((report / "report.html").as_uri()) as page:
        table = page.page.locator("#classes figure", has_text="Intersection over union").first
        rows = table.locator("tbody tr:visible")
        assert rows.count() == CLASSES + 1
        table.get_by_role("button", name="Model resolution").click()
        assert rows.nth(0).inner_text().startswith("Mean")
        values = [float(rows.nth(index).locator("td").first.inner_text()) for index in (1, 2, 3)]
        assert values == sorted(values)
        assert rows.nth(4).locator("td").first.inner_text() == ABSENT
        table.get_by_role("button", name="Model resolution").click()
        assert [float(rows.nth(index).locator("td").first.inner_text()) for index in (1, 2, 3)] == values[
            ::-1
        ]
        table.get_by_role("searchbox").fill("SKY")
        assert rows.count() == 1
        table.get_by_role("searchbox").fill("")
        assert rows.count() == CLASSES + 1
