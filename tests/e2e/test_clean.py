"""`clean` after real runs: what stays is reused, what went is made again, and a kill leaves nothing half."""

import json
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
    calls.append(1)
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


@pytest.fixture(scope="module")
def two_runs(sample, tmp_path_factory) -> Path:
    """An output folder with two runs, each with a model of its own; to be copied, not changed."""
    output = tmp_path_factory.mktemp("cleaned") / "out"
    for seed in (1, 2):
        run(sample, output, seed)
    return output


@pytest.mark.slow
def test_what_stays_is_reused_and_what_went_is_made_again(sample, two_runs):
    output = two_runs
    before = folders(output)
    first, second = map(str, list_versions(str(output / "serving_model")))
    assert clean(output)["removed"] == []

    planned = clean(output, "--keep", 1, "--dry-run")
    assert folders(output) == before
    done = clean(output, "--keep", 1)
    assert done["removed"] == planned["removed"] != []
    assert done["freed_bytes"] == planned["freed_bytes"] > 0
    assert len(folders(output)) == len(before) - len(done["removed"])
    assert not any(Path(folder["path"]).exists() for folder in done["removed"])
    (newest,) = done["kept_runs"]
    assert newest == max(path.name for path in (output / "runs").iterdir())
    assert list(map(str, list_versions(str(output / "serving_model")))) == [first, second]
    assert clean(output, "--keep", 1)["removed"] == []

    listed = petseg("runs", "--output", output, "--json")
    assert [len(row["seconds"]) > 0 for row in json.loads(listed.stdout)] == [True, True]
    stored = petseg("runs", "--metadata", output / "metadata.db", "--json")
    assert json.loads(stored.stdout)[0]["reason"] == "its report was removed"

    again = run(sample, output, 2)
    assert {again[node] for node in ("SegmentationExampleGen", "Transform", "Trainer")} == {"reused"}
    other = run(sample, output, 1)
    assert other["Transform"] == "reused"
    assert other["Trainer"] == "done"

    back = petseg("rollback", "--output", output, "--version", first)
    assert back.status == 0, back.stderr
    directory = str(output / "serving_model")
    assert version_digest(directory, str(list_versions(directory)[-1])) == version_digest(directory, first)
    kept = clean(output, "--keep", 1)["kept_runs"]
    assert "its model is in production" not in kept.values()  # of the first run, nothing is left


@pytest.mark.slow
def test_a_killed_cleaning_leaves_nothing_half(sample, tmp_path):
    output = tmp_path / "out"
    run(sample, output, 1)
    run(sample, output, 2)
    script = [sys.executable, "-c", KILLED_AT_THE_SECOND_FOLDER, str(output)]
    assert subprocess.run(script, cwd=PROJECT, capture_output=True, check=False).returncode == -9
    # The metadata says that all are gone, and one folder is: a run makes them again.
    assert run(sample, output, 1)["Trainer"] == "done"
    assert len(clean(output, "--keep", 2)["removed"]) > 0
    assert run(sample, output, 1)["Trainer"] == "reused"


@pytest.mark.slow
def test_the_run_in_production_and_unfinished_trainings_keep_their_artifacts(sample, tmp_path):
    output = tmp_path / "out"
    run(sample, output, 1)
    run(sample, output, 2)
    first = str(list_versions(str(output / "serving_model"))[0])
    assert petseg("rollback", "--output", output, "--version", first).status == 0
    kept = clean(output, "--keep", 1)
    assert sorted(kept["kept_runs"].values()) == ["its model is in production", "newest"]

    run(sample, output, 3)
    examples = max((output / "pipeline_root" / "Transform" / "transformed_examples").iterdir())
    unfinished = output / "work" / "checkpoints" / "0123"
    unfinished.mkdir(parents=True)
    pattern = f"../../../{examples.relative_to(output)}/Split-train/*"
    (unfinished / "training.json").write_text(json.dumps({"examples": [pattern]}))
    run(sample, output, 3, more=["--set", "model.image_size=64"])
    kept = clean(output, "--keep", 1)
    assert "a training on its examples is unfinished" in kept["kept_runs"].values()
    assert examples.exists()


@pytest.mark.slow
def test_a_server_in_place_of_the_file(sample, tmp_path):
    with postgresql() as url:
        environment = {"PETSEG_METADATA_URL": url}
        server = ["--set", "metadata.url_variable=PETSEG_METADATA_URL"]
        one, two = tmp_path / "one", tmp_path / "two"
        run(sample, one, 1, more=server, **environment)
        run(sample, two, 1, more=server, **environment)  # reuses what the other folder has
        run(sample, one, 2, more=server, **environment)
        run(sample, one, 3, more=server, **environment)
        kept = folders(one)
        done = clean(one, "--keep", 1, **environment)
        assert 0 < len(done["removed"]) < len(kept)
        again = run(sample, two, 1, more=server, **environment)
        assert {again[node] for node in ("Transform", "Trainer")} == {"reused"}
        assert run(sample, one, 3, more=server, **environment)["Trainer"] == "reused"


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
