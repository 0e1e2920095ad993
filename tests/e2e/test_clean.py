"""`clean` after real runs: what stays is reused, what went is made again, and a kill leaves nothing half."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from petseg.versions import list_versions, version_digest
from pipeline.runs.lock import only_user
from tests.conftest import PROJECT, TINY, petseg
from tests.database_servers import postgresql
from tests.e2e.test_local_run import states

ANY_MODEL = ["--set", "evaluation.max_regression=1"]
KILLED_AT_THE_SECOND_FOLDER = """
import os, signal, shutil, sys
rmtree, calls = shutil.rmtree, []
def killing(*arguments, **options):
    calls.extend(["pipeline_root"] if "pipeline_root" in str(arguments[0]) else [])
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    rmtree(*arguments, **options)
shutil.rmtree = killing
from pathlib import Path
from pipeline.cleaning.clean import clean_output
clean_output(Path(sys.argv[1]), 1, dry_run=False)
"""


def run(sample, output, seed, more=(), **environment):
    seeded = ["--set", f"trainer.seed={seed}", *more]
    done = petseg("run", "--data", sample, "--output", output, *TINY, *ANY_MODEL, *seeded, **environment)
    assert done.status in (0, 3), done.stdout + done.stderr
    return states(done.stdout)


def clean(output, *options, **environment):
    done = petseg("clean", "--output", output, "--json", *options, **environment)
    assert done.status == 0, done.stderr
    return json.loads(done.stdout)


def folders(output) -> set[str]:
    root = output / "pipeline_root"
    return {str(path.relative_to(root)) for path in root.glob("*/[!.]*/*")}


@pytest.mark.slow
def test_what_stays_is_reused_and_what_went_is_made_again(sample, tmp_path):
    output, directory = tmp_path / "out", str(tmp_path / "out" / "serving_model")
    for seed in (1, 2):
        run(sample, output, seed)
    before = folders(output)
    first, second = map(str, list_versions(directory))
    assert clean(output)["removed"] == []
    planned = clean(output, "--keep", 1, "--dry-run")
    assert folders(output) == before
    assert planned["freed_bytes"] > 0

    script = [sys.executable, "-c", KILLED_AT_THE_SECOND_FOLDER, str(output)]
    killed = subprocess.run(script, cwd=PROJECT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(folders(output)) == len(before) - 1
    done = clean(output, "--keep", 1)
    assert {folder["path"] for folder in done["removed"]} < {folder["path"] for folder in planned["removed"]}
    assert not any(Path(folder["path"]).exists() for folder in planned["removed"])
    assert list(done["kept_runs"]) == [max(path.name for path in (output / "runs").iterdir())]
    assert list(map(str, list_versions(directory))) == [first, second]
    assert clean(output, "--keep", 1)["removed"] == []

    listed = json.loads(petseg("runs", "--output", output, "--json").stdout)
    assert [row["model"] is not None for row in listed] == [True, True]
    stored = json.loads(petseg("runs", "--metadata", output / "metadata.db", "--json").stdout)
    assert stored[0]["reason"] == "its report was removed"

    again = run(sample, output, 2)
    assert {again[node] for node in ("SegmentationExampleGen", "Transform", "Trainer")} == {"reused"}
    other = run(sample, output, 1)
    assert (other["Transform"], other["Trainer"]) == ("reused", "done")

    back = petseg("rollback", "--output", output, "--version", second)
    assert back.status == 0, back.stderr
    newest = str(list_versions(directory)[-1])
    assert version_digest(directory, newest) == version_digest(directory, second)
    kept = clean(output, "--keep", 1)
    assert "its model is in production" in kept["kept_runs"].values()

    (examples,) = (output / "pipeline_root" / "Transform" / "transformed_examples").iterdir()
    unfinished = output / "work" / "checkpoints" / "0123"
    unfinished.mkdir(parents=True)
    pattern = f"../../../{examples.relative_to(output)}/Split-train/*"
    (unfinished / "training.json").write_text(json.dumps({"examples": [pattern]}))
    run(sample, output, 1, more=["--set", "model.image_size=32"])
    kept = clean(output, "--keep", 1)
    assert "a training on its examples is unfinished" in kept["kept_runs"].values()
    assert examples.exists()
    assert unfinished.exists()


@pytest.mark.slow
def test_folders_that_share_a_server_keep_what_the_other_uses(sample, tmp_path):
    with postgresql() as url:
        environment = {"PETSEG_METADATA_URL": url}
        server = ["--set", "metadata.url_variable=PETSEG_METADATA_URL"]
        one, two = tmp_path / "one", tmp_path / "two"
        run(sample, one, 1, more=server, **environment)
        reused = run(sample, two, 1, more=server, **environment)
        assert reused["Transform"] == "reused"
        run(sample, one, 2, more=server, **environment)
        before = folders(one)
        done = clean(one, "--keep", 1, **environment)
        assert len(folders(one)) == len(before) - len(done["removed"])
        again = run(sample, two, 1, more=server, **environment)
        assert {again[node] for node in ("Transform", "Trainer")} == {"reused"}


def test_a_folder_in_use_is_left_alone(tmp_path):
    run_folder = tmp_path / "runs" / "20260101-000000"
    run_folder.mkdir(parents=True)
    stopped = {"model": None, "native": None, "blessed": False, "reason": "stopped", "settings_sha256": ""}
    (run_folder / "metrics.json").write_text(json.dumps(stopped))
    with only_user(tmp_path):
        done = petseg("clean", "--output", tmp_path)
    assert done.status == 2
    assert done.stderr == (
        f"error: another run is using {tmp_path}; wait until it ends or give another --output\n"
    )
    done = petseg("clean", "--output", tmp_path)
    assert done.stderr.startswith(f"error: {tmp_path}/metadata.db is missing; without it nothing tells")


def test_a_folder_without_runs_is_the_users_error(tmp_path):
    done = petseg("clean", "--output", tmp_path)
    assert done.status == 2
    assert done.stderr.startswith(f"error: {tmp_path}: no finished run in it")
