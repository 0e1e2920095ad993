"""A full disk or an interrupt while a file is written leaves the old one, whole."""

import ast
import contextlib
import io
import json
import resource
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from components.evaluator.parquet_shards import sort_shards
from petseg.photo_settings import PhotoSettings
from petseg.segmenter import Prediction
from pipeline.prediction import predict as prediction
from pipeline.runs.lineage import Lineage
from pipeline.runs.outcome import publish_files, publish_run, publish_stop
from pipeline.runs.progress import NodeRow
from pipeline.runs.report_nodes import BEGIN, END, complete_report
from pipeline.settings import load_settings
from tests.conftest import PROJECT
from trainer.training.callbacks import write_history
from trainer.training.unfinished.record import RECORD_FILE
from trainer.training.unfinished.sweeping import register

BYTES = 64
LONG = "new " * BYTES

Write = Callable[[], object]


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond BYTES: the first of them arrive, the next write raises OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def artifact(folder: Path, report: str, reason: str) -> Callable[[str, str], str]:
    """All files of a run's nodes in one folder, and where they lie."""
    for name in ("report.html", "model_card.md", "settings.yaml", "photos.parquet"):
        (folder / name).write_text(report)
    for name in ("gate.json", "history.json", "push.json", "evaluation.json"):
        (folder / name).write_text("{}")
    (folder / "metrics.json").write_text(json.dumps({"reason": reason}))
    return lambda node, key: str(folder)


def stopped_run(file: Path, _: Path) -> Write:
    return partial(publish_stop, load_settings(None, []), file.parent, "reason", {}, 1.0)


def copied_file(file: Path, scratch: Path) -> Write:
    return partial(publish_files, artifact(scratch, report=LONG, reason=""), file.parent)


def metrics(file: Path, scratch: Path) -> Write:
    return partial(publish_run, artifact(scratch, report="", reason=LONG), file.parent, {}, 1.0)


def completed_report(file: Path, _: Path) -> Write:
    file.write_text(f"{LONG} {BEGIN} {END}")
    rows = {"Trainer": NodeRow("done", seconds=1.0, peak_memory_mb=1000.0)}
    return partial(complete_report, file, "20260901-101500", rows, Lineage({}, []))


def photo_rows(file: Path, scratch: Path) -> Write:
    (scratch / "rows").mkdir()
    pq.write_table(pa.table({"name": ["b", "a"]}), scratch / "rows/1.parquet")
    return partial(sort_shards, str(scratch / "rows"), str(file), "name")


def history(file: Path, _: Path) -> Write:
    return partial(write_history, str(file.parent), [{"epoch": epoch, "loss": 0.5} for epoch in range(20)])


def record_of_a_training(file: Path, _: Path) -> Write:
    return partial(register, str(file.parent), [LONG])


@pytest.mark.parametrize(
    ("prepare", "name"),
    [
        (stopped_run, "settings.yaml"),
        (copied_file, "report.html"),
        (metrics, "metrics.json"),
        (completed_report, "report.html"),
        (photo_rows, "photos.parquet"),
        (history, "history.json"),
        (record_of_a_training, RECORD_FILE),
    ],
    ids=lambda case: getattr(case, "__name__", case),
)
def test_a_full_disk_leaves_the_old_file(prepare, name, tmp_path):
    folder, scratch = tmp_path / "run", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    (folder / name).write_text("old")
    write = prepare(folder / name, scratch)
    before = (folder / name).read_bytes()
    with pytest.raises(OSError, match="File too large"), full_disk():
        write()
    assert (folder / name).read_bytes() == before
    assert not list(folder.glob(".*"))


def test_an_interrupted_predict_leaves_the_old_table(tmp_path, monkeypatch):
    class Segmenter:
        classes = load_settings(PROJECT / "configs/data/pets.yaml", []).data.classes
        photos = PhotoSettings()

        def __init__(self, folder):
            self.asked = 0

        def __call__(self, photos):
            self.asked += 1
            if self.asked == 2:
                raise KeyboardInterrupt
            mask = io.BytesIO()
            Image.new("L", (8, 8), 1).save(mask, "PNG")
            return [Prediction(mask.getvalue(), np.array([1.0, 0, 0]), 0.5) for _ in photos]

    images, output = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    output.mkdir()
    for name in range(20):
        Image.new("RGB", (8, 8)).save(images / f"{name}.png")
    (output / prediction.SHARES_FILE).write_text("the table before")
    monkeypatch.setattr(prediction, "load_segmenter", Segmenter)
    monkeypatch.setattr(prediction, "local_model", lambda model: model)
    with pytest.raises(KeyboardInterrupt):
        prediction.predict(tmp_path, [images], output)
    assert (output / prediction.SHARES_FILE).read_text() == "the table before"


WRITERS = {"write_text", "write_bytes", "write_string_file", "write_pbtxt_file", "savefig", "copyfile"}

OTHERWISE_WHOLE = {
    "components/example_gen/storage/blocks.py": "into a scratch folder, and a list that is renamed",
    "components/example_gen/readers/tfds.py": "into a scratch folder",
    "components/serving_check/client.py": "in a temporary folder; it imports nothing of the project",
    "components/serving_check/executor.py": "in a temporary folder",
    "components/serving_check/model_server.py": "in a temporary folder",
    "components/serving_check/request_files.py": "in a temporary folder",
    "components/run_report/plots.py": "in memory",
    "petseg/files/atomic.py": "the one function",
    "petseg/files/object_store.py": "an object is whole or not there",
    "petseg/versions/folder.py": "a lock, and into a folder that is renamed",
    "petseg/versions/store.py": "an object is whole or not there",
    "pipeline/download/pets.py": "resumes its drafts and renames them",
    "pipeline/download/unpacking.py": "into a folder that is renamed",
    "pipeline/network_plot.py": "in memory",
    "pipeline/prediction/app_page.py": "in a temporary folder",
    "pipeline/prediction/app_results.py": "inside atomic_file",
    "pipeline/prediction/beam.py": "inside atomic_file",
    "pipeline/prediction/formats/coco.py": "inside atomic_file",
    "pipeline/prediction/formats/labelme.py": "inside atomic_file",
    "pipeline/prediction/formats/mask_writer.py": "inside atomic_file",
    "pipeline/prediction/predict.py": "inside atomic_file",
    "pipeline/runners/compile_pipeline.py": "in a temporary folder",
    "pipeline/runners/kubeflow/observe.py": "the launcher reads it when the step has ended well",
    "pipeline/runners/kubeflow/step.py": "the launcher reads it when the step has ended well",
    "pipeline/sample_data/folder_sample.py": "into a folder that is renamed",
    "pipeline/sample_data/cracks/sample.py": "into a folder that is renamed",
    "pipeline/sample_data/pets/layout.py": "into a folder that is renamed",
    "pipeline/sample_data/whole_folder.py": "into a folder that is renamed",
    "trainer/export/export_model.py": "into a folder that is renamed",
    "trainer/export/formats/litert.py": "in a temporary folder",
}


def test_files_are_written_by_one_function():
    """Every other way to write a file is known, with the reason why what it writes is never half there."""
    others = set()
    for package in ("petseg", "components", "trainer", "pipeline"):
        for file in (PROJECT / package).rglob("*.py"):
            if any(_writes(node) for node in ast.walk(ast.parse(file.read_text()))):
                others.add(file.relative_to(PROJECT).as_posix())
    assert others == set(OTHERWISE_WHOLE)


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    modes = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    opens = name in ("open", "GFile") and any(mode in ("w", "wb", "x", "wt") for mode in modes)
    return name in WRITERS or opens
