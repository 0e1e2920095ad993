"""`predict --engine beam`: shards, and what is done is not done again."""

import io
import json
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from petseg.errors import UserError
from petseg.files.object_store import StorePath, copy_folder
from petseg.versions import publish
from pipeline.prediction import beam as beam_prediction
from pipeline.prediction.beam import predict_with_beam
from pipeline.prediction.predict import Outputs, predict
from tests.beam_java import fitting_flink, stand_in_java
from tests.beam_workers import worker_pool
from tests.components.serving_models import jpeg
from tests.conftest import petseg


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for index, name in enumerate(("a.jpg", "b.jpg", "site/c.jpg", "site/d.jpg")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(jpeg(index))
    (folder / "broken.jpg").write_bytes(jpeg(9)[:300])
    return folder


def masks_of(output):
    found = {}
    for file in sorted((output / "masks").glob("*.tar")):
        with tarfile.open(file) as tar:
            found |= {entry.name: tar.extractfile(entry).read() for entry in tar}
    return found


def rows_of(output):
    return [row for file in (output / "shares").iterdir() for row in pq.read_table(file).to_pylist()]


def test_shards_hold_what_the_local_engine_writes_and_a_broken_photo_costs_a_row(
    model, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(beam_prediction, "SHARD_PHOTOS", 2)
    (tmp_path / "engine.yaml").write_text("beam: {engine: in_memory}\ntrainer: {epochs: many}\n")
    output = tmp_path / "beam"
    done = predict_with_beam(str(model), [str(photos)], str(output), tmp_path / "engine.yaml")
    assert list(done.errors) == [str(photos / "broken.jpg")]
    local = predict(model, [photos], tmp_path / "local", Outputs(overlays=False))
    assert done.mean_shares == pytest.approx(local.mean_shares, abs=1e-5)
    masks = masks_of(output)
    assert masks.keys() == {"a.png", "b.png", "site/c.png", "site/d.png"}
    for name, png in masks.items():
        assert png == (tmp_path / "local" / "masks" / name).read_bytes()
        assert set(np.unique(Image.open(io.BytesIO(png)))) <= {10, 20, 30}
    rows = {row["photo"].removeprefix(f"{photos}/"): row for row in rows_of(output)}
    assert len(rows) == 5
    assert rows["broken.jpg"]["mask"] is None
    assert rows["broken.jpg"]["error"]
    assert rows["a.jpg"]["mask"].endswith(".tar/a.png")
    assert sum(rows["a.jpg"][f"share_{key}"] for key in ("dark", "medium", "bright")) == pytest.approx(1)


def test_what_is_done_is_not_done_again(model, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(beam_prediction, "SHARD_PHOTOS", 2)
    output = tmp_path / "out"
    predict_with_beam(str(model), [str(photos / "site")], str(output), None)
    before = {file: file.stat().st_mtime_ns for file in (output / "shares").iterdir()}
    assert len(before) == 1
    done = predict_with_beam(str(model), [str(photos / "site"), str(photos / "a.jpg")], str(output), None)
    assert done.already_done == 2
    after = {file: file.stat().st_mtime_ns for file in (output / "shares").iterdir()}
    assert len(after) == 2
    assert after.items() >= before.items()
    # A worker that was killed leaves a shard without its table.
    next(iter(before)).unlink()
    done = predict_with_beam(str(model), [str(photos / "site")], str(output), None)
    assert done.already_done == 0
    assert len(rows_of(output)) == 3


def test_predictions_of_another_model_are_not_mixed(model, photos, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "predictions.json").write_text(json.dumps({"model": "another", "classes": []}))
    with pytest.raises(UserError, match="has predictions of another model; name another folder"):
        predict_with_beam(str(model), [str(photos)], str(output), None)


def test_a_wrong_engine_is_one_line(model, photos, tmp_path):
    (tmp_path / "engine.yaml").write_text("beam: {engine: storm}\n")
    with pytest.raises(UserError, match=r"beam.engine: Input should be 'in_memory'"):
        predict_with_beam(str(model), [str(photos)], str(tmp_path / "out"), tmp_path / "engine.yaml")


@pytest.mark.parametrize("store", ["s3", pytest.param("gs", marks=pytest.mark.slow)])
def test_model_photos_and_results_on_an_object_store(store, model, photos, tmp_path, request):
    request.getfixturevalue(store)
    url = f"{store}://bucket/{tmp_path.name}"
    copy_folder(photos, StorePath(f"{url}/photos"))
    version = publish(model / "1790000000", f"{url}/serving_model")
    done = predict_with_beam(f"{url}/serving_model", [f"{url}/photos"], f"{url}/out", None)
    assert done.model.endswith(version)
    assert list(done.errors) == [f"{url}/photos/broken.jpg"]
    StorePath(f"{url}/out").download(tmp_path / "out")
    assert masks_of(tmp_path / "out").keys() == {"a.png", "b.png", "site/c.png", "site/d.png"}
    again = predict_with_beam(f"{url}/serving_model/{version}", [f"{url}/photos"], f"{url}/out", None)
    assert (again.already_done, again.mean_shares) == (5, done.mean_shares)


@pytest.mark.slow
@pytest.mark.parametrize("has_project", [True, False])
def test_no_job_server_is_left(model, photos, tmp_path, has_project):
    """Beam starts one for `flink`; it ends with the prediction, also with one that fails."""
    java = stand_in_java(tmp_path)
    (tmp_path / "home").mkdir()
    with (
        fitting_flink() as flink,
        worker_pool(tmp_path / "home", has_project=has_project, boots=False) as pool,
    ):
        engine = {"engine": "flink", "address": flink, "worker_pool": pool, "args": java.engine_args}
        (tmp_path / "engine.yaml").write_text(json.dumps({"beam": engine}))
        done = petseg(
            "predict", "--model", model, "--images", photos / "site", "--output", tmp_path / "out",
            "--engine", "beam", "--config", tmp_path / "engine.yaml", JOB_SERVERS=str(java.job_servers),
        )  # fmt: skip
    if has_project:
        assert done.status == 0, done.stderr
        assert len(rows_of(tmp_path / "out")) == 2
    else:
        assert done.status == 1
        assert done.stderr.startswith("error: beam.engine flink: the workers have no module ")
    assert "Traceback" not in done.stderr
    assert len(java.started()) == 1
    assert java.left() == []


@pytest.mark.slow
def test_workers_in_processes_of_their_own(model, photos, tmp_path):
    """The same command line as a person's, and a second one that finds all done."""
    (tmp_path / "engine.yaml").write_text("beam: {engine: multi_processing, workers: 2}\n")
    arguments = ["predict", "--model", model, "--images", photos, "--output", tmp_path / "out", "--json"]
    arguments += ["--engine", "beam", "--config", tmp_path / "engine.yaml"]
    first, second = (petseg(*arguments) for _ in range(2))
    assert (first.status, second.status) == (1, 1), first.stderr
    done, again = json.loads(first.stdout), json.loads(second.stdout)
    assert (done["predicted"], list(done["unreadable"])) == (4, [str(photos / "broken.jpg")])
    assert (again["already_done"], again["mean_shares"]) == (5, done["mean_shares"])
    local = predict(model, [photos], tmp_path / "local", Outputs(overlays=False))
    assert done["mean_shares"] == pytest.approx(local.mean_shares, abs=1e-5)
