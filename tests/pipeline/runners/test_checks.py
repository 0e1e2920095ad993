"""What `run` refuses before it writes anything, in one line that names the place and the remedy."""

import json
import resource
import shutil
import sqlite3
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import h5py
import pytest
from ml_metadata import MetadataStore

from petseg.errors import UserError
from pipeline.runners import devices
from pipeline.runners.local.checks import check_before_run
from pipeline.runners.local.metadata import file as metadata_file
from pipeline.runners.local.metadata.file import check_metadata_file
from pipeline.runners.local.metadata.store import sqlite_config
from pipeline.runners.local.run import RunOptions, _LocalRun, _new_run_id
from pipeline.runs.outcome import Outcome
from pipeline.sample_data import write_sample
from pipeline.settings import load_settings
from tests.conftest import PETS_CONFIG, petseg


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pe[t]s*"
    write_sample(folder, 24, seed=1)
    return folder


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def check(data, output):
    def run(*overrides: str, output=output, config=PETS_CONFIG, part=(None, None)) -> None:
        settings = load_settings(config, [f"data.path={data}", *overrides])
        check_before_run(settings, Path(output), *part)

    return run


def test_a_run_that_may_begin_has_written_nothing(check, output, tmp_path):
    check(f"push.directory={tmp_path}/a/b", f"report.directory={tmp_path}/c")
    assert list(tmp_path.iterdir()) == []


def write_foreign(pushed: Path, version: str = "1") -> None:
    (pushed / version).mkdir(parents=True)
    (pushed / version / "saved_model.pb").write_bytes(b"graph")


def test_a_foreign_model_in_production_is_named_with_a_remedy(check, tmp_path, output):
    write_foreign(tmp_path / "serving")
    with pytest.raises(UserError) as refused:
        check(f"push.directory={tmp_path}/serving")
    for words in (f"{tmp_path}/serving/1", "another push.directory", "move 1 away"):
        assert words in str(refused.value)
    write_foreign(output / "serving_model", "7")
    with pytest.raises(UserError, match="serving_model/7"):
        check()


def test_a_model_of_this_pipeline_above_a_foreign_one_is_fine(check, tmp_path):
    write_foreign(tmp_path / "serving")
    write_foreign(tmp_path / "serving", "2")
    (tmp_path / "serving" / "2" / "assets.extra").mkdir()
    (tmp_path / "serving" / "2" / "assets.extra" / "settings.json").write_text("{}")
    check(f"push.directory={tmp_path}/serving")


@pytest.mark.parametrize("key", ["push.directory", "report.directory"])
def test_a_folder_that_cannot_be_written_is_named(check, tmp_path, key):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/petseg")):
        with pytest.raises(UserError, match=f"{key}: the folder {folder} cannot be written: "):
            check(f"{key}={folder}")


def test_an_output_that_cannot_be_written_is_named(check, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"output: the folder .* cannot be written"):
        check(output=tmp_path / "file")


def test_a_full_disk_is_known_before_the_run(check, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UserError, match=r"output: the folder .* cannot be written: File too large"):
            check(f"push.directory={tmp_path}/models")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a[b]", "a*", "a?", "{a}"])
def test_an_output_that_would_be_a_pattern_is_refused(check, tmp_path, name):
    with pytest.raises(UserError, match="output: the path must have none of"):
        check(output=tmp_path / name)


def test_data_that_the_first_node_would_refuse_is_refused(check, data, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="images is missing"):
        check(f"data.path={tmp_path}/empty")
    shutil.copytree(data, tmp_path / "pets")
    (tmp_path / "pets" / "annotations" / "test.txt").write_text("")
    with pytest.raises(UserError, match="the split `test`"):
        check(f"data.path={tmp_path}/pets")
    with pytest.raises(UserError, match=r"data\.schema: .*gone\.pbtxt does not exist"):
        check(f"data.schema={tmp_path}/gone.pbtxt")
    with pytest.raises(UserError, match=r"model\.encoder_weights: there is no file .*gone\.h5"):
        check(f"model.encoder_weights={tmp_path}/gone.h5")


@pytest.mark.parametrize(
    ("overrides", "part", "words"),
    [
        ([], ("Pusher", "Evaluator"), "--from Pusher --to Evaluator: Evaluator runs before Pusher"),
        ([], ("Tuner", None), "--from Tuner: this run has no Tuner; set tuner.enabled=true"),
        (["evaluation.split=eval"], (None, "Pusher"), "--to Pusher: .* set evaluation.split=test"),
        (["tuner.enabled=true"], ("Trainer", "Tuner"), "Tuner runs before Trainer"),
        ([], (None, "tuner"), "did you mean Tuner"),
    ],
)
def test_a_part_that_cannot_be_run_is_refused(check, overrides, part, words):
    with pytest.raises(UserError, match=words):
        check(*overrides, part=part)
    check("tuner.enabled=true", part=("Tuner", "Trainer"))


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n" + bytes(90)])
def test_a_weights_file_that_cannot_be_used_is_known_before_the_run(check, tmp_path, content):
    (tmp_path / "weights.h5").write_bytes(content)
    with pytest.raises(
        UserError, match=r"model\.encoder_weights: .*weights\.h5 does not fit mobilenet_v2"
    ) as refused:
        check(f"model.encoder_weights={tmp_path}/weights.h5")
    assert "\n" not in str(refused.value)


def test_weights_of_a_whole_model_are_no_weights_of_an_encoder(check, tmp_path):
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        file.create_group("layers")
    with pytest.raises(UserError, match=r"model\.encoder_weights: .* does not fit mobilenet_v2"):
        check(f"model.encoder_weights={tmp_path}/model.weights.h5")


def test_a_folder_to_start_from_that_holds_nothing_is_known_before_the_run(check, tmp_path):
    with pytest.raises(UserError, match=r"trainer\.warm_start: there is no folder"):
        check(f"trainer.warm_start={tmp_path}/none")
    with pytest.raises(UserError, match=r"trainer\.warm_start: .* is neither a SavedModel"):
        check(f"trainer.warm_start={tmp_path}")
    (tmp_path / "checkpoint").touch()
    check(f"trainer.warm_start={tmp_path}")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.freeze_encoder=blok_6", "model.freeze_encoder: the encoder has no block 'blok_6'"),
        ("model.encoder_taps=[a, b, c, d, e]", "model.encoder_taps: mobilenet_v2 has no layer 'a'"),
    ],
)
def test_layers_that_the_encoder_does_not_have_are_known_before_the_run(check, tmp_path, override, words):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = ["block_6_expand"]
    weights = f"model.encoder_weights={tmp_path}/weights.h5"
    with pytest.raises(UserError, match=words):
        check(override, weights, "model.image_size=32")
    check("model.freeze_encoder=block_6", weights, "model.image_size=32")


def test_devices_that_are_not_there_are_known_before_the_run(check, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UserError, match=r"mirrored needs at least two GPUs .* has none; set none"):
        check("trainer.distribution=mirrored")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match="multi_worker needs the environment variable TF_CONFIG"):
        check("trainer.distribution=multi_worker")


def test_a_batch_that_the_gpus_cannot_share_is_known_before_the_run(check, monkeypatch):
    monkeypatch.setattr(devices, "COUNT_GPUS", "print(3)")
    with pytest.raises(UserError, match="a multiple of the number of GPUs, 3; received 32"):
        check("trainer.distribution=mirrored")
    check("trainer.distribution=mirrored", "trainer.batch_size=33")
    check("trainer.distribution=mirrored", "trainer.replica_scaling=linear")


def test_a_report_that_cannot_be_copied_is_told_and_the_model_stays_pushed(tmp_path):
    class Done(_LocalRun):
        def _outcome(self):
            self._folder.mkdir(parents=True)
            (self._folder / "report.html").touch()
            return Outcome(0, "blessed", "why", ["blessed: why"], "serving_model/1")

    (tmp_path / "file").touch()
    settings = load_settings(None, [f"report.directory={tmp_path}/file"])
    outcome = Done(settings, tmp_path, RunOptions(), "20260901-101500", tmp_path / "log").outcome()
    assert (outcome.status, outcome.verdict, outcome.model) == (1, "blessed", "serving_model/1")
    assert outcome.lines[-1].startswith(
        f"error: report.directory: not copied: {tmp_path}/file/20260901-101500"
    )


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (
            RuntimeError("Error when executing query: database or disk is full query:  UPDATE `Execution`"),
            1,
            "the disk is full: metadata.db; free some space and run again",
        ),
        (
            UserError("data: 1 of 9 pairs are broken; the first:\n  a.png: is missing\n  b.png: is missing"),
            2,
            "data: 1 of 9 pairs are broken; the first:",
        ),
    ],
)
def test_why_a_run_stopped_is_said_where_nothing_can_be_written(tmp_path, error, status, line):
    class Failed(_LocalRun):
        def _run(self, terminal, memory, seconds):
            raise error

    (tmp_path / "runs").touch()
    outcome = Failed(
        load_settings(None, []), tmp_path, RunOptions(), "20260901-101500", Path("/dev/full")
    ).outcome()
    assert (outcome.status, outcome.verdict) == (status, "error")
    assert outcome.lines[0].startswith(f"error: {line}")
    assert outcome.lines[1] == "log      /dev/full"
    assert outcome.lines[2].startswith(f"warning  {tmp_path}/runs/20260901-101500 is incomplete: ")


def test_the_reason_of_a_stopped_run_is_a_whole_line(tmp_path):
    class Failed(_LocalRun):
        def _run(self, terminal, memory, seconds):
            raise UserError("data: 1 of 9 pairs are broken; the first:\n  a.png: is missing")

    Failed(load_settings(None, []), tmp_path, RunOptions(), "20260901-101500", tmp_path / "log").outcome()
    metrics = json.loads((tmp_path / "runs/20260901-101500/metrics.json").read_text())
    assert metrics["reason"] == "data: 1 of 9 pairs are broken; the first: a.png: is missing"


def test_a_refused_run_leaves_nothing(tmp_path, output):
    (tmp_path / "empty" / "images").mkdir(parents=True)
    (tmp_path / "empty" / "masks").mkdir()
    table = "[{value: 0, name: a, color: '#000000'}, {value: 1, name: b, color: '#ffffff'}]"
    classes = f"data.classes={{classes: {table}}}"
    done = petseg("run", "--data", tmp_path / "empty", "--output", output, "--set", classes)
    assert done.status == 2
    assert done.stderr.startswith("error: data: ")
    assert done.stderr.count("\n") == 1
    assert not output.exists()


@pytest.fixture
def database(output) -> Path:
    output.mkdir()
    file = output / "metadata.db"
    MetadataStore(sqlite_config(file))
    (output / "pipeline_root").mkdir()
    return file


def test_a_whole_metadata_file_and_none_are_fine(database):
    check_metadata_file(database)
    check_metadata_file(database.with_name("none.db"))
    assert not database.with_name("none.db").exists()


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def overwritten(content: bytes) -> bytes:
    return content[:5000] + bytes(8192) + content[5000 + 8192 :]


@pytest.mark.parametrize(
    "damage", [halved, overwritten, lambda content: b"text\n" * 100, lambda content: b""],
    ids=["halved", "overwritten", "text", "empty"],
)  # fmt: skip
def test_a_damaged_metadata_file_is_named_with_a_remedy_that_keeps_everything(check, database, damage):
    damaged = damage(database.read_bytes())
    database.write_bytes(damaged)
    with pytest.raises(UserError) as refused:
        check()
    old = database.parent / "old"
    assert f"{database} is damaged" in str(refused.value)
    assert f"mkdir {old} && mv {database} {database.parent}/pipeline_root {old}" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert database.read_bytes() == damaged


def test_a_locked_metadata_file_is_waited_for_with_a_word(database, monkeypatch, capsys):
    monkeypatch.setattr(metadata_file, "SECONDS_TO_A_WORD", 0.2)
    holder = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    def release() -> None:
        time.sleep(2)
        holder.execute("ROLLBACK")

    thread = threading.Thread(target=release)
    thread.start()
    check_metadata_file(database)
    thread.join()
    assert capsys.readouterr().err == f"waiting: another process has locked {database}\n"


def test_a_metadata_file_that_stays_locked_is_an_error(database, monkeypatch):
    monkeypatch.setattr(metadata_file, "SECONDS_TO_AN_ERROR", 0.5)
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(UserError, match="locked by another process"):
        check_metadata_file(database)
    holder.close()


def test_run_ids_rise_although_the_clock_went_back(output):
    settings = load_settings(None, [])
    (output / "logs").mkdir(parents=True)
    now = datetime.now(timezone.utc)
    first = datetime.strptime(_new_run_id(output, settings), "%Y%m%d-%H%M%S")
    assert abs(first - now.replace(tzinfo=None)) < timedelta(seconds=2)
    (output / "logs" / f"{now + timedelta(days=2):%Y%m%d}-235959.log").touch()
    assert _new_run_id(output, settings) == f"{now + timedelta(days=3):%Y%m%d}-000000"
