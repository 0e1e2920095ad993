import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml
from PIL import Image
from tfx.types import channel_utils, standard_artifacts

from components.artifacts import DataReport, GateReport, RunReport
from components.run_report.component import RunReport as RunReportNode
from components.run_report.executor import Executor
from components.run_report.photos import choose
from petseg.metrics.iou import iou_per_class
from petseg.metrics.metric import Metric
from petseg.metrics.registry import METRICS
from tests.browser import needs_chromium, shown
from tests.components.report_inputs import SETTINGS, TABLE, write_inputs
from tests.components.report_photos import drawn_pairs
from tests.components.serving_models import save_model

KEYS = [
    "model", "native", "photo", "mean_iou_interval", "split", "examples", "blessed", "reason", "baseline",
    "settings_sha256", "seconds", "peak_memory_mb",
]  # fmt: skip


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    directory = save_model(tmp_path_factory.mktemp("model") / "Format-Serving")
    (directory / "assets.extra" / "model_card.md").write_text("# Streets\n\nWhat it is for.\n")
    return directory


@pytest.fixture
def report(tmp_path, model_dir):
    """Runs the node on a run told in keywords; returns the folder of its artifact."""

    def run(photos=8, **told):
        inputs, properties = write_inputs(tmp_path / "inputs", model_dir, list(drawn_pairs(photos)), **told)
        artifact = RunReport()
        artifact.uri = str(tmp_path / "report")
        (tmp_path / "report").mkdir()
        Executor().Do(inputs, {"report": [artifact]}, properties)
        return tmp_path / "report"

    return run


class Page(HTMLParser):
    """Sources of the pictures, words, and addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.images, self.alts, self.addresses, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "img":
            self.images.append(values["src"])
            self.alts.append(values["alt"])
        self.addresses += [value for key, value in attrs if key in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.text += f"{data} "


def test_writes_metrics_card_and_settings(report):
    folder = report()
    assert sorted(path.name for path in folder.iterdir()) == [
        "metrics.json",
        "model_card.md",
        "report.html",
        "settings.yaml",
    ]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics) == KEYS
    assert metrics["blessed"] is True
    assert list(metrics["model"]["iou"]) == list(TABLE.names)
    assert set(metrics["baseline"]) == {"model", "native"}
    assert "size" not in metrics["native"]
    assert metrics["photo"] == metrics["native"], "the name of the last release"
    assert metrics["seconds"] is metrics["peak_memory_mb"] is None
    assert metrics["settings_sha256"] == "ab" * 32
    assert yaml.safe_load((folder / "settings.yaml").read_text()) == SETTINGS
    card = (folder / "model_card.md").read_text()
    assert card.startswith("# Streets\n\nWhat it is for.\n")
    assert f"{metrics['model']['mean_iou']:.4f}" in card


def test_page_is_self_contained_and_shows_the_photos(report):
    page = Page((report() / "report.html").read_text())
    assert all(re.match(r"#|data:", address) for address in page.addresses)
    # Three groups of three photos, each as photo, ground truth, prediction and difference.
    assert len(page.images) == 36
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.images)
    assert "photo <7>: difference" in page.alts
    assert "24 \N{MULTIPLICATION SIGN} 16 px" in page.text, "width first, as the photos' sizes"
    assert "In production as version 1790000000" in page.text
    assert "town 1" in page.text
    assert "Examples contain values missing from the schema" in page.text
    assert "#worst-1" in page.addresses


def test_confusion_of_a_class_without_pixels_is_a_dash(tmp_path, model_dir):
    def without_sky(mask: bytes) -> bytes:
        values = np.array(Image.open(io.BytesIO(mask)))
        values[values == 30] = 0
        file = io.BytesIO()
        Image.fromarray(values).save(file, "PNG")
        return file.getvalue()

    pairs = [(name, photo, without_sky(mask), town) for name, photo, mask, town in drawn_pairs(4)]
    inputs, properties = write_inputs(tmp_path / "inputs", model_dir, pairs)
    artifact = RunReport()
    artifact.uri = str(tmp_path / "report")
    (tmp_path / "report").mkdir()
    Executor().Do(inputs, {"report": [artifact]}, properties)
    html = (tmp_path / "report/report.html").read_text()
    table = html.split('<table class="confusion"')[1].split("</table>")[0]
    road, _, sky = (row.split("</th>")[1] for row in table.split('<th scope="row">')[1:])
    dash = "<td>\N{EN DASH}</td>"
    assert (road.count(dash), sky.count(dash)) == (0, 3)
    assert "A class with dashes has no pixels" in html


@pytest.mark.parametrize(
    ("told", "blessed", "headline"),
    [
        ({"baseline": False}, True, "In production as version 1790000000"),
        ({"evaluated_good": False, "pushed": False}, False, "Refused"),
        ({"serving_good": False, "pushed": False}, False, "Refused"),
        ({"withdrawn": True}, False, "Refused"),
        ({"pushed": None}, True, "Passed, not pushed"),
        ({"pushed": False}, True, "Passed, not pushed"),
    ],
    ids=[
        "no baseline",
        "refused by Evaluator",
        "refused by ServingCheck",
        "refused by Pusher",
        "evaluated on eval",
        "pushed before",
    ],
)
def test_tells_what_became_of_the_model(report, told, blessed, headline):
    folder = report(**told)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["blessed"] is blessed
    assert metrics["split"] == ("eval" if told.get("pushed", True) is None else "test")
    assert (metrics["baseline"] is None) == (told.get("baseline") is False)
    if "serving_good" in told:
        assert metrics["reason"] == "serving check: p99 latency: 3.1 s is above 2 s"
    if "withdrawn" in told:
        assert metrics["reason"] == "push: this model was withdrawn as version 7"
    page = Page((folder / "report.html").read_text())
    assert headline in page.text
    assert metrics["reason"] in page.text


def test_the_best_kept_version_is_named(report):
    best = {"version": "1780000000", "mean_iou": 0.8123, "difference": -0.0456}
    text = Page((report(best_kept=best) / "report.html").read_text()).text
    assert "Mean IoU 0.0456 below the 0.8123 of version 1780000000, the best one kept" in text


def test_the_interval_is_beside_the_headline_and_few_examples_are_a_warning(report):
    folder = report(interval=[0.71234, 0.8])
    assert json.loads((folder / "metrics.json").read_text())["mean_iou_interval"] == [0.71234, 0.8]
    text = " ".join(Page((folder / "report.html").read_text()).text.split())
    assert "At native resolution, 95% interval 0.712 to 0.800" in text
    assert "Warning Only 8 test examples: with fewer than 30, metrics and verdict depend on" in text


def test_enough_examples_are_no_warning(report):
    text = Page((report(photos=30) / "report.html").read_text()).text
    assert "with fewer than" not in text
    assert "95% interval" not in text, "an evaluation of the last release has none"


def test_all_metrics_of_the_classes_boundaries_and_calibration(report):
    text = " ".join(Page((report() / "report.html").read_text()).text.split())
    assert "Class IoU Dice Precision Recall Boundary" in text
    assert "0.801 0.802 0.803 0.504" in text
    assert "Calibration error 0.034" in text
    assert "Binary IoU 0" not in text, "this data has no foreground"
    # For a quarter of the pixels, the confidence is 0.1 above the accuracy.
    assert "Calibration at model resolution, error 0.025" in text


def test_an_evaluation_of_an_older_version_is_shown_without_what_it_did_not_count(report):
    folder = report(older=True)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["native"]["mean_iou"] == metrics["photo"]["mean_iou"] > 0
    assert set(metrics["baseline"]) == {"model", "native"}
    text = " ".join(Page((folder / "report.html").read_text()).text.split())
    assert "Intersection over union" in text
    assert "Boundary" not in text
    assert "Calibration" not in text


def test_a_new_metric_is_in_report_and_model_card(tmp_path, model_dir, monkeypatch):
    metric = Metric(
        name="worst_iou",
        title="worst IoU",
        description="IoU of the worst class.",
        counts="counts",
        function=lambda counts: iou_per_class(counts).min(-1),
    )
    monkeypatch.setitem(METRICS, metric.name, metric)
    inputs, properties = write_inputs(tmp_path / "inputs", model_dir, list(drawn_pairs(3)))
    file = tmp_path / "inputs" / "evaluation" / "evaluation.json"
    evaluation = json.loads(file.read_text())
    evaluation["native"]["worst_iou"] = 0.1234
    file.write_text(json.dumps(evaluation))
    artifact = RunReport()
    artifact.uri = str(tmp_path)
    Executor().Do(inputs, {"report": [artifact]}, properties)
    assert "Worst IoU 0.123" in " ".join(Page((tmp_path / "report.html").read_text()).text.split())
    assert "| worst IoU | absent | 0.1234 |" in (tmp_path / "model_card.md").read_text()


def test_drift_is_measured_against_the_data_of_the_model_in_production(report):
    page = Page((report() / "report.html").read_text()).text
    assert "First run: there is no model in production to compare with." in page


def test_a_feature_that_drifted_is_named_with_its_distance(report):
    before, now = ["town_0"] * 50 + ["town_1"] * 50, ["town_0"] * 80 + ["town_1"] * 20
    text = " ".join(Page((report(production=before, data=now) / "report.html").read_text()).text.split())
    assert "Drift label/town: check the data" in text
    # The share of town_0 went from 50 % to 80 %; the heights are all the same.
    assert "label/town L-infinity 0.300 0.200" in text
    assert "image/height Jensen-Shannon 0.000 0.100" in text
    assert "1,200 training examples of span-3: label/town moved by 0.300 (L-infinity), more than 0.2." in text


def test_unchanged_data_has_not_drifted(report):
    towns = ["town_0", "town_1"] * 50
    text = Page((report(production=towns, data=towns) / "report.html").read_text()).text
    assert "No feature drifted more than the schema allows." in text


def test_a_handful_of_photos_has_not_drifted(report):
    text = Page((report(production=["town_0"] * 99, data=["town_1"] * 99) / "report.html").read_text()).text
    assert "Too few photos to tell drift from chance: train." in text
    assert "Jensen-Shannon" not in text


def test_a_model_that_does_not_answer_is_shown_without_predictions(tmp_path, model_dir):
    inputs, properties = write_inputs(tmp_path, model_dir, list(drawn_pairs(4)), serving_good=False)
    check = tmp_path / "infra" / "serving_check.json"
    check.write_text(json.dumps({**json.loads(check.read_text()), "p99_seconds": None}))
    (tmp_path / "gone").mkdir()
    inputs["model"][0].uri = str(tmp_path / "gone")
    artifact = RunReport()
    artifact.uri = str(tmp_path)
    Executor().Do(inputs, {"report": [artifact]}, properties)
    page = Page((tmp_path / "report.html").read_text())
    assert {alt.rsplit(": ")[1] for alt in page.alts} == {"photo", "ground truth"}


def test_chooses_the_best_and_worst_and_the_same_random_ones():
    scores = np.array([0.5, np.nan, 0.9, 0.1, 0.7])
    groups = choose(scores, 2, seed=3)
    assert groups["worst"] == [3, 0]
    assert groups["best"] == [2, 4]
    assert groups == choose(scores, 2, seed=3)
    assert choose(scores, 10, seed=3)["random"] == [2, 4, 0, 3]


def test_the_random_photos_are_the_same_for_every_model():
    scores = np.linspace(0, 1, 100)
    shown = choose(scores, 12, seed=0)["random"]
    assert choose(scores[::-1], 12, seed=0)["random"] == shown[::-1]
    assert shown == sorted(shown, reverse=True), "best first"


def test_component_takes_runs_without_baseline_check_and_push():
    artifacts = {
        "examples": standard_artifacts.Examples,
        "data_report": DataReport,
        "statistics": standard_artifacts.ExampleStatistics,
        "schema": standard_artifacts.Schema,
        "anomalies": standard_artifacts.ExampleAnomalies,
        "gate": GateReport,
        "model": standard_artifacts.Model,
        "model_run": standard_artifacts.ModelRun,
        "evaluation": standard_artifacts.ModelEvaluation,
        "model_blessing": standard_artifacts.ModelBlessing,
    }
    channels = {name: channel_utils.as_channel([artifact()]) for name, artifact in artifacts.items()}
    node = RunReportNode(**channels, run_id="r", settings="{}", settings_sha256="", code="")
    assert set(node.inputs) == set(artifacts)
    assert node.outputs["report"].type is RunReport
    # ML Metadata reserves this name, and InteractiveContext refuses it.
    assert "run_id" not in node.exec_properties


@needs_chromium
@pytest.mark.parametrize(("width", "color_scheme"), [(1280, "light"), (390, "dark")])
def test_browser_shows_it_without_an_error(report, width, color_scheme):
    page = report() / "report.html"
    with shown(page.as_uri(), width, color_scheme) as browser:
        assert browser.number("img") == 36
        assert browser.number("figure svg") == 7
        assert browser.broken_images() == []
        assert not browser.is_wider_than_the_window()
        assert browser.cut_tables("#classes") == 0
        browser.page.click("#worst-2 img >> nth=3")
        assert browser.page.url.endswith("#worst-2"), "a photo has an address"
        assert browser.errors == []
        assert browser.outside == []


def test_few_photos_are_shown_once(report):
    page = Page((report(photos=4) / "report.html").read_text())
    assert len(page.images) == 4 * 4
    assert "All, the worst first" in page.text


def test_the_head_says_what_was_trained_on_what_and_when(report, model_dir):
    export = model_dir / "assets.extra" / "export.json"
    before = export.read_text()
    export.write_text(json.dumps({"version": 3, "device": "1 x NVIDIA H100"}))
    try:
        page = Page((report() / "report.html").read_text())
    finally:
        export.write_text(before)
    head = " ".join(page.text.split("Classes")[0].split())
    assert "3,125 training examples, 20 epochs, on 1 x NVIDIA H100." in head


def test_one_epoch_has_a_mark_on_the_axis_and_is_singular(report, tmp_path, model_dir):
    inputs, properties = write_inputs(tmp_path / "inputs", model_dir, list(drawn_pairs(3)))
    history = tmp_path / "inputs" / "run" / "history.json"
    history.write_text(json.dumps([json.loads(history.read_text())[0] | {"eval_loss": 0.9, "seconds": 60}]))
    artifact = RunReport()
    artifact.uri = str(tmp_path / "report")
    (tmp_path / "report").mkdir()
    Executor().Do(inputs, {"report": [artifact]}, properties)
    html = (tmp_path / "report" / "report.html").read_text()
    assert "1 epoch, 1 minute, seed 7." in html
    loss = html.split("<figcaption>Loss</figcaption>")[1].split("</svg>")[0]
    assert re.findall(r">([\d.]+)</text>", loss)[0] == "1", "the only mark of the x axis"
    assert ">eval</text>" in loss
