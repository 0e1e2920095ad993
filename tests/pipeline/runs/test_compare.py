import json
import re

import numpy as np
import pytest
import sklearn.metrics
import yaml

from components.run_report.templates import ABSENT
from petseg.metrics.iou import iou_per_class, mean_iou
from petseg.metrics.metric import Metric
from petseg.metrics.registry import METRICS
from pipeline.runs.comparison import compare_runs
from pipeline.runs.run_folder import find_run, read_run
from tests.browser import needs_chromium, shown
from tests.conftest import petseg
from tests.pipeline.evaluated_runs import CLASSES, counts, write_evaluated, write_report

PHOTOS = 40


@pytest.fixture
def better(tmp_path):
    """Folders of a run and of a better one, in two outputs, the second with one photo fewer."""
    before = write_evaluated(tmp_path / "a", "20260901-101500", counts(PHOTOS, 0.3, seed=1))
    after = write_evaluated(
        tmp_path / "b", "20260902-101500", counts(PHOTOS, 0.1, seed=2)[1:], NAMES[1:], learning_rate=0.0004
    )
    return before, after


NAMES = [f"photo_{i:03}" for i in range(PHOTOS)]


def test_metrics_are_those_of_the_common_photos(better):
    comparison = compare_runs([read_run(folder) for folder in better], seed=0)
    before, after = counts(PHOTOS, 0.3, seed=1)[1:], counts(PHOTOS, 0.1, seed=2)[1:]
    assert comparison.photos == PHOTOS - 1
    assert [one.evaluated for one in comparison.runs] == [PHOTOS, PHOTOS - 1]
    expected = [float(mean_iou(one.sum(0))) for one in (before, after)]
    assert comparison.metrics["model", "mean IoU"] == pytest.approx(expected)
    assert comparison.metrics["native", "IoU tree"] == pytest.approx(
        [iou_per_class(one.sum(0))[1] for one in (before, after)]
    )
    assert comparison.settings == {"trainer.learning_rate": [0.001, 0.0004]}

    (change,) = comparison.changes
    assert change.differences["model"].real
    scores = mean_iou(after) - mean_iou(before)
    assert [photo.name for photo in change.better] == [NAMES[1:][i] for i in np.argsort(-scores)[:10]]
    assert change.worse == []
    odd = np.array([i % 2 == 0 for i in range(PHOTOS - 1)])
    assert {moved.value for moved in change.slices} == {"odd", "even"}, "one photo tells nothing"
    (moved,) = [moved for moved in change.slices if moved.value == "odd"]
    assert (moved.feature, moved.photos) == ("label/kind", odd.sum())
    assert moved.difference.value == pytest.approx(mean_iou(after[odd].sum(0)) - mean_iou(before[odd].sum(0)))
    assert moved.difference.low < moved.difference.value < moved.difference.high


def test_all_metrics_of_the_classes_boundaries_and_calibration(better):
    metrics = compare_runs([read_run(folder) for folder in better], seed=0).metrics
    before = counts(PHOTOS, 0.3, seed=1)[1:].sum(0)
    labels, prediction = (
        np.repeat(index, before.ravel()) for index in np.indices(before.shape).reshape(2, -1)
    )
    expected = sklearn.metrics.precision_recall_fscore_support(labels, prediction)
    for name, values in zip(("precision", "recall", "Dice"), expected, strict=False):
        found = [metrics["native", f"{name} {one}"][0] for one in CLASSES]
        assert found == pytest.approx(values)
    assert [metrics["model", f"boundary IoU {one}"][1] for one in CLASSES] == [0.75, 0.25, 0.5]
    assert metrics["model", "mean boundary IoU"] == [0.5, 0.5]
    assert metrics["native", "calibration error"] == pytest.approx([0.025, 0.025])


def test_a_run_of_an_older_version_is_compared_without_what_it_did_not_count(better, tmp_path):
    old = write_evaluated(tmp_path / "c", "20260801-101500", counts(PHOTOS, 0.2, seed=3), older=True)
    page = tmp_path / "page.html"
    done = petseg("compare", old, better[1], "--output", page)
    assert done.status == 0, done.stderr
    (line, _) = (line for line in done.stdout.splitlines() if "mean boundary IoU" in line)
    assert line.split()[-3:] == [ABSENT, "0.5000", ABSENT]
    assert "boundary IoU sky" not in done.stdout
    assert "boundary IoU sky" in page.read_text()


def test_the_binary_iou_is_of_the_classes_that_the_settings_name(better):
    for folder in better:
        settings = yaml.safe_load((folder / "settings.yaml").read_text())
        settings["evaluation"] = {"foreground": ["sky", "tree"]}
        (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    metrics = compare_runs([read_run(folder) for folder in better], seed=0).metrics
    before = counts(PHOTOS, 0.3, seed=1)[1:].sum(0)
    assert metrics["model", "binary IoU"][0] == pytest.approx(
        before[:2, :2].sum() / (before.sum() - before[2, 2])
    )


def test_a_new_metric_is_compared(better, monkeypatch):
    metric = Metric(
        name="worst_iou",
        title="worst IoU",
        description="IoU of the worst class.",
        counts="counts",
        function=lambda counts: iou_per_class(counts).min(-1),
    )
    monkeypatch.setitem(METRICS, metric.name, metric)
    metrics = compare_runs([read_run(folder) for folder in better], seed=0).metrics
    expected = iou_per_class(counts(PHOTOS, 0.3, seed=1)[1:].sum(0)).min()
    assert metrics["native", "worst IoU"][0] == pytest.approx(expected)


def test_photos_are_matched_by_name_in_whatever_order_they_lie(tmp_path):
    of_photos = counts(PHOTOS, 0.3, seed=1)
    first = write_evaluated(tmp_path, "20260901-101500", of_photos)
    second = write_evaluated(tmp_path, "20260902-101500", of_photos[::-1], NAMES[::-1])
    (change,) = compare_runs([read_run(first), read_run(second)], seed=0).changes
    assert (change.photo_changes == 0).all()
    assert change.differences["native"].low == change.differences["native"].high == 0


def test_terminal_and_page_tell_the_same(better, tmp_path):
    page = tmp_path / "pages" / "compare.html"
    done = petseg("compare", *better, "--output", page, PYTHONPROFILEIMPORTTIME="1")
    assert done.status == 0, done.stderr
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert not imported & {"tensorflow", "tfx", "apache_beam"}
    text = re.sub(r"<[^>]*>", " ", page.read_text())
    for told in (done.stdout, text):
        for word in ("better", "trainer.learning_rate", "0.0004", "A evaluated 40", "95%", "mean IoU"):
            assert word in told, word
    assert "photo_0" in text
    assert str(page) in done.stdout


def test_an_output_folder_means_its_newest_run(better, tmp_path):
    first = better[0]
    newest = write_evaluated(tmp_path / "a", "20260909-101500", counts(PHOTOS, 0.3, seed=1))
    assert find_run(tmp_path / "a").path == newest
    assert find_run(first).path == first
    done = petseg("compare", first, tmp_path / "a", "--output", tmp_path / "page.html")
    assert done.status == 0, done.stderr
    assert "20260909-101500" in done.stdout
    assert "not significant" in done.stdout
    assert "The settings are the same." in done.stdout


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("one", ["2 to 26 runs", "received 1"]),
        ("missing", ["metrics.json", "DIR/runs/<run id>"]),
        ("stopped", ["photos.parquet", "stopped before"]),
        ("classes", ["sky, sea, road", "sky, tree, road"]),
        ("photos", ["no evaluated photo in common"]),
        ("damaged", ["photos.parquet cannot be read"]),
    ],
)
def test_what_cannot_be_compared_is_one_line(other, words, better, tmp_path):
    first, second = better
    if other == "stopped":
        (second / "photos.parquet").unlink()
        metrics = json.loads((second / "metrics.json").read_text())
        (second / "metrics.json").write_text(json.dumps({**metrics, "model": None, "native": None}))
    elif other == "classes":
        of_photos = counts(PHOTOS, 0.1, seed=2)
        second = write_evaluated(tmp_path, "20260903-101500", of_photos, classes=("sky", "sea", "road"))
    elif other == "photos":
        second = write_evaluated(tmp_path, "20260903-101500", counts(2, 0.1, seed=2), ["x", "y"])
    elif other == "damaged":
        (second / "photos.parquet").write_bytes(b"PAR1")
    others = {"one": [], "missing": [tmp_path / "nowhere"]}.get(other, [second])
    done = petseg("compare", first, *others, "--output", tmp_path / "page.html")
    assert done.status == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "page.html").exists()


@needs_chromium
def test_browser_shows_it_without_an_error(better, tmp_path):
    write_report(better[0], ["photo_005", "photo_006", "photo_007"])
    write_report(better[1], ["photo_006", "photo_007", "photo_008"])
    page = tmp_path / "page.html"
    done = petseg("compare", *better, better[0], "--output", page)
    assert done.status == 0, done.stderr
    for width, color_scheme in ((1280, "light"), (390, "dark")):
        with shown(page.as_uri(), width, color_scheme) as browser:
            # Two photos are in all reports: photo, ground truth and the predictions of three models each.
            assert browser.number("img") == 10
            # How the three learned, and how two of them changed.
            assert browser.number("figure svg") == 3
            assert browser.broken_images() == []
            assert not browser.is_wider_than_the_window()
            assert browser.errors == []
            assert browser.outside == []
