"""Whole local runs on the sample, in processes of their own, in the order a user would make them."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.nodes import ALL_NODES, NODES
from tests.conftest import TINY, petseg

EXTRA_FLAGS, FASTEST = 8, 4
"""Index of a byte in the header of GZIP, and its value for compression for speed (RFC 1952)."""

METRICS_KEYS = {
    "model", "native", "photo", "mean_iou_interval", "split", "examples", "blessed", "reason", "baseline",
    "settings_sha256", "seconds", "peak_memory_mb",
}  # fmt: skip


def states(stdout: str) -> dict[str, str]:
    """Last state of each node as the plain progress told it."""
    told = {}
    for line in stdout.splitlines():
        words = line.split()
        if (
            len(words) > 1
            and words[0] in ALL_NODES
            and words[1].rstrip(":") in {"done", "reused", "skipped", "failed"}
        ):
            told[words[0]] = words[1].rstrip(":")
    return told


def versions(output) -> list:
    """Folders of the pushed models, lowest version first."""
    return sorted((output / "serving_model").glob("[0-9]*"))


def newest_metrics(output) -> dict:
    newest = max((output / "runs").iterdir(), key=lambda folder: folder.name)
    return json.loads((newest / "metrics.json").read_text())


@pytest.fixture(scope="module")
def second_run(first_run):
    return first_run.again()


@pytest.fixture(scope="module")
def third_run(first_run, second_run):
    return first_run.again()


def test_a_run_goes_through_every_node_to_a_pushed_model(first_run):
    assert first_run.finished.status == 0, first_run.finished.stdout + first_run.finished.stderr
    assert states(first_run.finished.stdout) == dict.fromkeys(NODES, "done")
    (version,) = versions(first_run.output)
    assert (version / "saved_model.pb").is_file()
    extra = {path.name for path in (version / "assets.extra").iterdir()}
    assert extra >= {"model.weights.h5", "settings.json", "statistics.pb", "reference.npz", "model_card.md"}


def test_the_terminal_shows_the_run_and_no_chatter(first_run):
    shown = first_run.finished.stdout + first_run.finished.stderr
    for word in ("WARNING", "Traceback", "tensorflow/", "INFO:", "absl", "UserWarning"):
        assert word not in shown
    assert first_run.finished.stderr == ""
    assert "blessed:" in first_run.finished.stdout
    assert "epoch" in first_run.finished.stdout


def test_a_run_leaves_no_temporary_files(first_run):
    assert list(first_run.temporary.iterdir()) == []


def test_transform_writes_pixels_with_run_lengths(first_run):
    """zlib notes in a file's header that it was compressed for speed, as TFX's own executor does not ask."""
    (examples,) = (first_run.output / "pipeline_root/Transform/transformed_examples").iterdir()
    files = list(examples.glob("Split-*/*.gz"))
    assert files
    assert {file.read_bytes()[EXTRA_FLAGS] for file in files} == {FASTEST}


def test_metrics_have_the_fixed_keys_and_hold_together(first_run):
    (run,) = list((first_run.output / "runs").iterdir())[:1]
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) == METRICS_KEYS
    assert metrics["blessed"] is True
    assert metrics["baseline"] is None
    assert metrics["split"] == "test"
    assert metrics["model"]["size"] == [64, 64]
    assert "size" not in metrics["native"]
    assert metrics["photo"] == metrics["native"]
    for group in (metrics["model"], metrics["native"]):
        assert set(group["iou"]) == {"pet", "background", "border"}
        assert group["mean_iou"] == pytest.approx(sum(group["iou"].values()) / 3)
    listed = (first_run.data / "annotations" / "test.txt").read_text().split("\n")
    assert metrics["examples"] == len([line for line in listed if line])
    assert set(metrics["seconds"]) == set(NODES)
    assert metrics["seconds"]["Trainer"] > 0
    assert metrics["peak_memory_mb"] > 100
    left = {path.name for path in run.iterdir()}
    assert {"report.html", "settings.yaml", "model_card.md", "history.json", "evaluation.json"} <= left
    assert yaml.safe_load((run / "settings.yaml").read_text())["model"]["image_size"] == 64


def test_a_second_run_trains_nothing_and_pushes_nothing(first_run, second_run):
    assert second_run.status == 0, second_run.stdout + second_run.stderr
    told = states(second_run.stdout)
    assert told["SegmentationExampleGen"] == told["Transform"] == told["Trainer"] == "reused"
    assert "the version in production" in second_run.stdout
    assert len(versions(first_run.output)) == 1
    assert "already in production" in second_run.stdout


def report_words(folder) -> str:
    """The words of a run's report, each cell followed by a space."""
    return " ".join(re.sub(r"<[^>]*>", " ", (folder / "report.html").read_text()).split())


def test_reports_tell_each_nodes_time_memory_and_artifacts(first_run, second_run):
    first, second = sorted((first_run.output / "runs").iterdir())[:2]
    words = report_words(first)
    metrics = json.loads((first / "metrics.json").read_text())
    for node in NODES:
        told = re.search(rf"{node} done ([\d.]+) ([\d,]+) MB", words)
        assert float(told[1]) == pytest.approx(metrics["seconds"][node], abs=0.1)
        assert 100 < float(told[2].replace(",", "")) <= metrics["peak_memory_mb"] + 1
    assert re.search(
        rf"Trainer model Model \d+ {first.name} Evaluator, ServingCheck, Pusher, RunReport /", words
    )
    folders = re.findall(r"<code>(/[^<]*/pipeline_root/[^<]*)</code>", (first / "report.html").read_text())
    assert len(folders) >= len(NODES)
    assert all(Path(folder).is_dir() for folder in folders)
    assert "First run: there is no model in production to compare with." in words

    words = report_words(second)
    assert re.search(rf"Trainer reused from {first.name}, took [\d.]+ (min \d+ )?s", words)
    assert re.search(rf"Trainer model Model \d+ {first.name} ", words)
    assert re.search(rf"RunReport report RunReport \d+ {second.name} ", words)
    assert "Too few photos to tell drift from chance: " in words


def test_a_third_run_reuses_all_but_the_report(third_run):
    assert third_run.status == 0, third_run.stdout + third_run.stderr
    assert states(third_run.stdout) == {**dict.fromkeys(NODES, "reused"), "RunReport": "done"}


def test_a_refused_model_leaves_production_as_it_was(first_run, third_run):
    before = versions(first_run.output)
    done = first_run.again("--set", "evaluation.floor=0.99")
    assert done.status == 3, done.stdout + done.stderr
    assert "refused:" in done.stdout
    assert "0.99" in done.stdout
    assert states(done.stdout)["Trainer"] == "reused"
    assert "evaluation.floor" in done.stdout
    assert versions(first_run.output) == before
    metrics = newest_metrics(first_run.output)
    assert metrics["blessed"] is False
    assert "0.99" in metrics["reason"]
    assert metrics["baseline"]["model"]["mean_iou"] == pytest.approx(metrics["model"]["mean_iou"])


def test_a_model_that_was_removed_from_production_is_pushed_again(first_run, third_run, tmp_path):
    (removed,) = versions(first_run.output)
    shutil.move(removed, tmp_path)
    done = first_run.again()
    assert done.status == 0, done.stdout + done.stderr
    assert states(done.stdout)["Trainer"] == "reused"
    (pushed,) = versions(first_run.output)
    assert f"serving_model/{pushed.name}" in done.stdout
    # The other tests that share this run find production as they expect it.
    shutil.rmtree(pushed)
    shutil.move(tmp_path / removed.name, removed)


def test_partial_runs_stop_and_go_on_and_changed_data_is_read_again(sample, tmp_path):
    data = tmp_path / "pets"
    shutil.copytree(sample, data)
    arguments = ["run", "--data", data, "--output", tmp_path / "out", *TINY]
    refused = petseg(*arguments, "--from", "Transform")
    assert refused.status == 2
    assert "--from needs an earlier run" in refused.stdout + refused.stderr

    begun = petseg(*arguments, "--to", "DatasetGate")
    assert begun.status == 0, begun.stdout + begun.stderr
    assert states(begun.stdout)["DatasetGate"] == "done"
    assert states(begun.stdout)["Transform"] == "skipped"

    name = (data / "annotations" / "trainval.txt").read_text().split()[0]
    (data / "images" / f"{name}.jpg").write_bytes(b"this is no photo")
    broken = petseg(*arguments, "--to", "DatasetGate")
    assert broken.status == 2
    assert name in broken.stdout + broken.stderr
    assert "Traceback" not in broken.stdout + broken.stderr

    tolerated = petseg(*arguments, "--to", "DatasetGate", "--set", "data.max_bad_fraction=0.2")
    assert tolerated.status == 0, tolerated.stdout + tolerated.stderr
    assert states(tolerated.stdout)["SegmentationExampleGen"] == "done"
