import json
import shutil
import time

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from petseg.errors import UserError
from petseg.versions import rollback
from pipeline.runs.run_folder import list_runs
from tests.conftest import petseg
from tests.pipeline.run_folders import write_run, write_version


def pushed(version, pushed=True):
    return {"pushed": pushed, "version": version, "reason": "why"}


@pytest.fixture
def output(tmp_path):
    """A first push, the same model again, a better one, a refused one, and a run that stopped."""
    write_run(tmp_path, "20260901-101500", 0.7, push=pushed("100"))
    write_run(tmp_path, "20260901-111500", 0.7, push=pushed("100", pushed=False))
    write_run(tmp_path, "20260902-101500", 0.75, push=pushed("200"), learning_rate=0.0004)
    write_run(tmp_path, "20260903-101500", 0.5, blessed=False, push=pushed(None, pushed=False), epochs=2)
    write_run(tmp_path, "20260904-101500", None, blessed=False, reason="Trainer: loss is not a number")
    write_version(tmp_path, "100", "first")
    write_version(tmp_path, "200", "better")
    return tmp_path


def rows(output) -> dict[str, str]:
    """Line of each run by its id."""
    done = petseg("runs", "--output", output)
    assert done.status == 0, done.stderr
    assert done.stderr == ""
    return {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("2026")}


def test_shows_time_changes_metrics_verdict_and_version(output):
    lines = rows(output)
    assert list(lines) == sorted(lines)
    first, again, better, refused, stopped = lines.values()
    for word in ("2026-09-01 10:15", "01234567", "0.7000", "0.6900", "blessed, test", "100"):
        assert word in first
    assert "already pushed" in again
    assert "trainer" not in again, "paths are not compared"
    assert "trainer.learning_rate=0.0004" in better
    assert "refused" in refused
    assert "trainer.epochs=2" in refused
    assert "trainer.learning_rate=0.001" in refused
    assert "stopped: Trainer: loss is not a number" in stopped
    assert [run_id for run_id, line in lines.items() if "in production" in line] == ["20260902-101500"]


def test_shows_the_interval_of_runs_that_have_one(output):
    file = output / "runs" / "20260902-101500" / "metrics.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "mean_iou_interval": [0.7012, 0.7788]}))
    assert [run_id for run_id, line in rows(output).items() if "0.701 to 0.779" in line] == [
        "20260902-101500"
    ]
    runs = json.loads(petseg("runs", "--output", output, "--json").stdout)
    assert runs[2]["mean_iou_interval"] == [0.7012, 0.7788]


def test_shows_what_was_exported(output):
    (header,) = (line for line in petseg("runs", "--output", output).stdout.splitlines() if "when" in line)
    assert "exported" not in header
    file = output / "runs" / "20260902-101500" / "metrics.json"
    exports = {
        "litert_int8": {"verdict": "refused", "reason": "all examples", "difference": -0.02},
        "onnx": {"verdict": "accepted", "reason": "", "difference": 0.0},
        "litert_float16": {"verdict": "accepted", "reason": "", "difference": 0.0},
    }
    file.write_text(json.dumps({**json.loads(file.read_text()), "exports": exports}))
    lines = rows(output)
    assert "onnx, litert_float16" in lines["20260902-101500"]
    assert "onnx" not in lines["20260901-101500"]
    assert "litert_int8 refused" in petseg("runs", "--output", output).stdout
    runs = json.loads(petseg("runs", "--output", output, "--json").stdout)
    assert [run.get("exports") for run in runs] == [None, None, exports, None, None]


def test_programs_read_json(output):
    runs = json.loads(petseg("runs", "--output", output, "--json").stdout)
    assert [run["run_id"] for run in runs] == sorted(rows(output))
    first, again, better, refused, stopped = runs
    assert first["model"]["mean_iou"] == 0.7
    assert (first["version"], first["pushed"], first["in_production"]) == ("100", True, False)
    assert (again["version"], again["pushed"]) == ("100", False)
    assert (better["version"], better["in_production"]) == ("200", True)
    assert (refused["blessed"], refused["version"]) == (False, None)
    assert stopped["reason"] == "Trainer: loss is not a number"


def test_a_model_that_was_rolled_back_to_is_in_production(output):
    version = rollback(output / "serving_model")
    in_production = [run_id for run_id, line in rows(output).items() if "in production" in line]
    assert in_production == ["20260901-101500", "20260901-111500"]
    assert f"serving_model/{version}" in petseg("runs", "--output", output).stdout.replace("\n", "")


def test_runs_of_older_versions_lack_some_files(tmp_path):
    folder = write_run(tmp_path, "20260901-101500")
    (folder / "settings.yaml").unlink()
    (tmp_path / "runs" / "20260902-101500").mkdir()
    assert list(rows(tmp_path)) == ["20260901-101500"]


def test_is_quick(output):
    for number in range(100):
        shutil.copytree(output / "runs" / "20260901-101500", output / "runs" / f"20261001-{number:06}")
    rows(output)
    begun = time.perf_counter()
    shown = petseg("runs", "--output", output, PYTHONPROFILEIMPORTTIME="1")
    assert time.perf_counter() - begun < 10, "a second on a machine that has nothing else to do"
    imported = {
        line.split("|")[-1].strip().split(".")[0] for line in shown.stderr.splitlines() if "|" in line
    }
    assert "rich" in imported
    assert not imported & {"tensorflow", "tfx", "numpy", "pyarrow"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--output DIR or --metadata STORE"),
        (["--output", "a", "--metadata", "b"], "--output DIR or --metadata STORE"),
        (["--metadata", "no/such.db"], "--metadata no/such.db: there is no such file"),
        (["--metadata", "env:NOT_SET"], "environment variable NOT_SET is not set"),
        (["--metadata", "README.md"], "--metadata README.md is not an SQLite file of ML Metadata"),
    ],
)
def test_a_source_without_runs_is_one_line(arguments, words):
    done = petseg("runs", *arguments)
    assert done.status == 2
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_stopped_run_is_in_the_metadata_store_too(tmp_path):
    store = stored_pipeline_run(tmp_path / "metadata.db", "20260901-101500", failed="Transform")
    done = petseg("runs", "--metadata", store)
    assert done.status == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("20260901-101500")]
    assert "2026-09-01 10:15" in line
    assert "stopped: Transform failed" in line


def test_runs_of_a_store_are_in_the_order_in_which_they_ran(tmp_path):
    ids = ["20260902-101500", "20260901-101500", "20260903-101500"]
    for run_id in ids:
        store = stored_pipeline_run(tmp_path / "metadata.db", run_id, failed="Transform")
    done = petseg("runs", "--metadata", store)
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("2026")] == ids


def stored_pipeline_run(database, run_id, failed):
    """A metadata store with one run of which one node failed, as TFX records it."""
    store = MetadataStore(sqlite_metadata_connection_config(str(database)))
    context_type = store.put_context_type(mlmd.ContextType(name="pipeline_run"))
    (context,) = store.put_contexts([mlmd.Context(type_id=context_type, name=run_id)])
    execution_type = store.put_execution_type(mlmd.ExecutionType(name=f"tfx.components.executor.{failed}"))
    execution = mlmd.Execution(type_id=execution_type, last_known_state=mlmd.Execution.FAILED)
    store.put_execution(execution, [], [mlmd.Context(id=context, type_id=context_type, name=run_id)])
    return database


def test_what_cannot_be_listed_is_one_line(tmp_path):
    done = petseg("runs", "--output", tmp_path)
    assert done.status == 2
    assert done.stderr == f"error: {tmp_path}: no finished run in it; pass the --output of `run`\n"
    folder = write_run(tmp_path, "20260901-101500")
    (folder / "metrics.json").write_text("{")
    done = petseg("runs", "--output", tmp_path)
    assert done.status == 2
    assert str(folder / "metrics.json") in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("metrics.json", "[1, 2]", "must hold keys and values; received list"),
        ("metrics.json", "{}", "is not of a run: it has no blessed"),
        ("metrics.json", '{"model": nul', "cannot be read: "),
        ("settings.yaml", "- a\n- b\n", "must hold keys and values; received list"),
        ("settings.yaml", "text", "must hold keys and values; received str"),
        ("settings.yaml", "a: [", "cannot be read: "),
        ("push.json", "3", "must hold keys and values; received int"),
    ],
)
def test_a_file_of_a_run_that_holds_something_else_is_named(tmp_path, name, content, words):
    folder = write_run(tmp_path, "20260901-101500", push=pushed("100"))
    (folder / name).write_text(content)
    with pytest.raises(UserError) as refused:
        list_runs(tmp_path)
    assert str(refused.value).startswith(f"{folder / name} {words}")
    assert "\n" not in str(refused.value)


def test_runs_of_several_outputs_are_listed_together(output, tmp_path_factory):
    parent = tmp_path_factory.mktemp("experiments")
    for name in ("narrow", "wide"):
        shutil.copytree(output, parent / name)
    (parent / "notes").mkdir()
    done = petseg("runs", "--output", parent)
    assert done.status == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith(("narrow", "wide"))]
    assert [line[0] for line in lines] == ["narrow"] * 5 + ["wide"] * 5
    assert "trainer.epochs" not in " ".join(lines[5]), "the run before it is another output's"
    listed = json.loads(petseg("runs", "--output", parent, "--json").stdout)
    assert [run["path"].split("/")[-3] for run in listed] == ["narrow"] * 5 + ["wide"] * 5


def test_rollback_says_what_replaced_what(output):
    done = petseg("rollback", "--output", output)
    assert done.status == 0, done.stderr
    (path,) = done.stdout.splitlines()
    assert path.startswith(f"{output}/serving_model/")
    assert done.stderr.strip() == "the model of version 100 replaces that of version 200, which is withdrawn"
