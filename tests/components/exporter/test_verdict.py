"""What a file may lose, overall and on a slice."""

import numpy as np
import pytest

from components.exporter.comparison import Compared
from components.exporter.settings import ExportSettings
from components.exporter.verdict import decide
from petseg.class_table import ClassTable

CLASSES = ClassTable.model_validate({"classes": ["sky", "road", "car"]})


def compared(slices, lost=None, share=0.0):
    """Photos of 1000 pixels a class, predicted well by both; `lost` slice values lose a share of cars."""
    model, file = [], []
    for values in slices:
        intersection, union = np.full(3, 900), np.full(3, 1100)
        model.append(np.stack([intersection, union]))
        wrong = np.array([0, 0, round(900 * share)]) if lost in values.values() else np.zeros(3, int)
        file.append(np.stack([intersection - wrong, union]))
    count = len(slices)
    return Compared(
        [str(index) for index in range(count)], slices, model, file, [3000] * count, [3000] * count
    )


def by_weather(**counts):
    return [{"label/weather": weather} for weather, count in counts.items() for _ in range(count)]


def test_a_file_that_loses_nothing_is_accepted():
    verdict = decide(compared(by_weather(sun=40, rain=40)), ExportSettings(), CLASSES)
    assert verdict.accepted
    assert verdict.overall.difference.value == 0
    assert verdict.reason == "mean IoU +0.0000 on 80 examples, 95% interval +0.0000 to +0.0000"


def test_a_loss_overall_is_refused():
    verdict = decide(compared(by_weather(sun=80), "sun", 0.05), ExportSettings(), CLASSES)
    assert not verdict.accepted
    assert verdict.reason.startswith("all examples (80 examples): mean IoU 0.0136 lower, up to 0.0136")
    assert "most on the class car, IoU 0.0409 lower" in verdict.reason


def test_a_slice_alone_can_refuse_a_file_and_is_named():
    slices = by_weather(sun=970, rain=30)
    settings = ExportSettings(max_loss=0.1)
    verdict = decide(compared(slices, "rain", 0.9), settings, CLASSES)
    assert verdict.overall.passed
    assert not verdict.accepted
    assert verdict.reason.startswith("label/weather = rain (30 examples): mean IoU 0.2455 lower")
    assert "class car" in verdict.reason
    assert verdict.slices[0].name == "label/weather = rain"


def test_a_small_slice_warns():
    verdict = decide(
        compared(by_weather(sun=970, rain=29), "rain", 0.9), ExportSettings(max_loss=0.1), CLASSES
    )
    assert verdict.accepted
    assert [text.split(":")[0] for text in verdict.warnings] == ["label/weather = rain (29 examples)"]


def test_the_upper_end_of_the_interval_counts():
    """The loss is on few photos, so that it is uncertain: its mean is allowed, its upper end is not."""
    slices = by_weather(sun=36, rain=4)
    verdict = decide(compared(slices, "rain", 0.15), ExportSettings(), CLASSES)
    assert -verdict.overall.difference.value < 0.005 < verdict.overall.loss
    assert not verdict.accepted


def test_a_slice_without_labels_says_nothing():
    found = compared(by_weather(sun=40, night=40))
    for pixels in (*found.model[40:], *found.file[40:]):
        pixels[:] = 0
    verdict = decide(found, ExportSettings(), CLASSES)
    assert verdict.accepted
    assert [entry.name for entry in verdict.slices] == ["label/weather = sun"]


def test_without_any_labels_nothing_is_accepted():
    found = compared(by_weather(sun=40))
    for pixels in (*found.model, *found.file):
        pixels[:] = 0
    assert not decide(found, ExportSettings(), CLASSES).accepted


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (["onx"], "there is no format 'onx'; did you mean onnx?"),
        (["onnx", "onnx"], "must name each format once"),
    ],
)
def test_formats_are_checked(formats, message):
    with pytest.raises(ValueError, match="formats") as error:
        ExportSettings(formats=formats)
    assert message in str(error.value)
