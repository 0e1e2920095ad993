"""`suspects` on a whole run: ranking, files, moved folders, broken examples, and the way back as a span."""

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from PIL import Image

from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import UserError
from pipeline.prediction.model import load_segmenter
from pipeline.suspects.examples import CountingModel, raw_example
from pipeline.suspects.suspects import FoundSuspects, SuspectsOptions, find_suspects
from tests.components.read_examples import read
from tests.conftest import petseg


@pytest.fixture(scope="module")
def moved(first_run, tmp_path_factory) -> Path:
    """A copy of the run's output whose metadata names folders that are gone, as after `mv`."""
    output = tmp_path_factory.mktemp("moved") / "there"
    shutil.copytree(first_run.output, output)
    with sqlite3.connect(output / "metadata.db") as database:
        database.execute("UPDATE Artifact SET uri = replace(uri, ?, '/gone')", [str(first_run.output)])
    return output


@pytest.fixture
def own(moved, tmp_path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(moved, tmp_path / "own"))


def run_folder(output: Path) -> Path:
    return min((output / "runs").iterdir())


def first(output: Path, **options) -> FoundSuspects:
    """Of the first run, whatever other tests ran in this output."""
    return find_suspects(output, SuspectsOptions(run_folder(output).name, **options))


def shards(output: Path, split: str) -> list[Path]:
    return sorted(output.glob(f"pipeline_root/SegmentationExampleGen/examples/*/Split-{split}/*.gz"))


def test_ranks_the_test_examples_by_the_evaluation(moved, tmp_path):
    run = run_folder(moved)
    done = petseg("suspects", "--output", moved, "--run", run.name, "--folder", tmp_path, "--json")
    assert done.status == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["run"] == run.name
    assert found["model"].startswith(str(moved))
    examples = found["examples"]
    assert (
        sorted(one["name"] for one in examples) == pq.read_table(run / "photos.parquet")["name"].to_pylist()
    )
    qualities = [one["label_quality"] for one in examples]
    assert qualities == sorted(qualities)
    assert all(0 <= quality <= 1 for quality in qualities)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "suspects.csv").read_text())))
    assert [row["name"] for row in rows] == [one["name"] for one in examples]
    assert float(rows[0]["label_quality"]) == pytest.approx(qualities[0], abs=1e-5)
    page = (tmp_path / "suspects.html").read_text()
    assert page.count("<img") == 4 * len(examples), "photo, labels, prediction and difference"
    assert examples[0]["name"] in page


def test_the_model_ranks_as_the_evaluation_did_and_other_splits_too(own, tmp_path):
    evaluated = first(own, folder=tmp_path / "evaluated").suspects
    (run_folder(own) / "photos.parquet").unlink()
    predicted = first(own, splits=["test"], folder=tmp_path / "predicted").suspects
    assert [one.name for one in predicted] == [one.name for one in evaluated]
    assert [one.quality for one in predicted] == pytest.approx([one.quality for one in evaluated], abs=1e-6)
    others = first(own, splits=["eval", "train"], number=3, folder=tmp_path / "others")
    assert {one.split for one in others.suspects} == {"eval", "train"}
    assert others.page.read_text().count("<img") == 4 * 3


def damage_first(shard: Path) -> tuple[str, int]:
    """Replaces the photo of the first example; returns its name and the number of examples."""
    records = list(tf.data.TFRecordDataset([str(shard)], compression_type="GZIP").as_numpy_iterator())
    example = tf.train.Example.FromString(records[0])
    example.features.feature["image/encoded"].bytes_list.value[0] = b"\xff\xd8 no photo"
    with tf.io.TFRecordWriter(str(shard), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for record in (example.SerializeToString(), *records[1:]):
            writer.write(record)
    return example.features.feature["image/name"].bytes_list.value[0].decode(), len(records)


def test_an_example_that_was_damaged_since_the_evaluation_is_ranked_but_not_shown(own, tmp_path):
    (shard,) = shards(own, "test")
    name, number = damage_first(shard)
    found = first(own, folder=tmp_path, export_coco=True)
    assert len(found.suspects) == number
    assert found.unknown == []
    page = found.page.read_text()
    assert page.count("<img") == 4 * (number - 1)
    assert f"{name}: photo" not in page


def test_a_broken_example_costs_its_row_only(own, tmp_path):
    (shard,) = shards(own, "eval")
    name, number = damage_first(shard)
    run = run_folder(own).name
    done = petseg("suspects", "--output", own, "--run", run, "--split", "eval", "--folder", tmp_path)
    assert done.status == 1
    assert done.stderr.startswith(f"error: eval example {name}: ")
    rows = list(csv.DictReader((tmp_path / "suspects.csv").open()))
    assert len(rows) == number
    assert [row["name"] for row in rows if row["reason"]] == [name]
    assert rows[-1]["label_quality"] == ""


def test_proposals_come_back_as_a_span(moved, sample, tmp_path):
    found = first(moved, number=4, folder=tmp_path / "found", export_coco=True)
    assert found.coco is not None
    spans = tmp_path / "spans"
    spans.mkdir()
    (spans / "span-1").symlink_to(sample)
    shutil.copytree(found.coco, spans / "span-2")
    classes = ClassTable.model_validate(
        [{"value": 1, "name": "pet"}, {"value": 2, "name": "background"}, {"value": 3, "name": "border"}]
    )
    again = read(tmp_path, DataSettings(path=str(spans), format="auto", spans="all", classes=classes))
    corrected = [one.name for one in found.suspects[:4]]
    assert len(again.examples) == 60
    assert {again.splits[name] for name in corrected} == {"test"}, "a corrected example stays a test example"
    model = load_segmenter(found.model, CountingModel)
    for name in corrected:
        example = raw_example(again.examples[name].SerializeToString())
        _, predicted = model.predict(example)
        stored = np.array(Image.open(io.BytesIO(example.mask)))
        np.testing.assert_array_equal(stored, np.array(classes.values)[predicted])


def test_an_export_does_not_replace_corrections(moved, tmp_path):
    (tmp_path / "coco").mkdir()
    with pytest.raises(UserError, match=r"coco exists, and may hold corrections; delete it, or name another"):
        first(moved, folder=tmp_path, export_coco=True)


def test_says_which_runs_there_are(moved):
    with pytest.raises(UserError, match=r"--run 7: no such run in .*; its runs are 2[-0-9]+"):
        find_suspects(moved, SuspectsOptions("7"))


def test_an_output_without_runs(tmp_path):
    with pytest.raises(UserError, match="no finished run in it"):
        find_suspects(tmp_path, SuspectsOptions())


def test_a_run_that_stopped_before_it_had_a_model(own):
    folder = own / "runs/20200101-000000"
    shutil.copytree(run_folder(own), folder)
    metrics = json.loads((folder / "metrics.json").read_text()) | {"model": None, "reason": "DatasetGate: no"}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(UserError, match=r"ML Metadata does not know it"):
        find_suspects(own, SuspectsOptions(folder.name))
    for other in (own / "runs").iterdir():
        if other != folder:
            shutil.rmtree(other)
    with pytest.raises(UserError, match=r"no run has evaluated a model; the newest stopped: DatasetGate: no"):
        find_suspects(own, SuspectsOptions())


def test_a_refused_model_is_looked_at_too(own, tmp_path):
    run = run_folder(own)
    metrics = json.loads((run / "metrics.json").read_text()) | {"blessed": False, "reason": "below the floor"}
    (run / "metrics.json").write_text(json.dumps(metrics))
    (run / "push.json").unlink()
    assert first(own, number=1, folder=tmp_path).suspects


def test_the_pushed_model_stands_in_for_a_removed_one_and_its_absence_is_said(own, tmp_path):
    shutil.rmtree(own / "pipeline_root/Trainer")
    found = first(own, number=1, folder=tmp_path)
    assert found.model.is_relative_to(own / "serving_model")
    shutil.rmtree(own / "serving_model")
    with pytest.raises(UserError, match=r"the model of run 2[-0-9]+ is gone: it is neither /gone/"):
        first(own, folder=tmp_path)


def test_removed_examples_are_said(own):
    shutil.rmtree(own / "pipeline_root/SegmentationExampleGen")
    with pytest.raises(UserError, match=r"the test examples of run 2[-0-9]+ are gone: /gone/.* is missing"):
        first(own)
