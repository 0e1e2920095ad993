"""What the operating system refuses is one line: a file for a folder, no permission, a full disk."""

import ctypes
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from petseg.errors import describe_error
from petseg.files.atomic import write_atomic
from pipeline.sample_data import write_sample
from tests.conftest import PROJECT, TINY, Finished, petseg
from tests.pipeline.evaluated_runs import counts, write_evaluated

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def obey_permissions() -> None:
    """Takes from root, after the next exec, the right to read and write whatever permissions say."""
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH) if os.geteuid() == 0 else ():
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError("this container does not allow to drop capabilities")


def allow_small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def petseg_under(limit, *arguments) -> Finished:
    """Runs the command line in a process of which the system refuses more."""
    done = subprocess.run(
        [sys.executable, "pipeline_runner.py", *map(str, arguments)],
        cwd=PROJECT, preexec_fn=limit, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


def refusal(done: Finished) -> str:
    assert done.status == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory) -> list[Path]:
    output = tmp_path_factory.mktemp("runs")
    return [write_evaluated(output, f"20260901-10150{i}", counts(6, 0.2, seed=i)) for i in range(2)]


@pytest.fixture
def closed(tmp_path) -> Path:
    """A folder that nobody may look into or write to."""
    folder = tmp_path / "closed"
    (folder / "images").mkdir(parents=True)
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def test_a_file_where_a_folder_is_needed_is_named(file, tmp_path, two_runs):
    write_sample(tmp_path / "pets", 12, seed=1)
    said = refusal(petseg("run", "--data", tmp_path / "pets", "--output", file, *TINY))
    assert f"output: the folder {file} cannot be written: " in said
    assert f"{file}" in refusal(petseg("compare", *two_runs, "--output", file / "page.html"))
    assert f"{file}" in refusal(petseg("sample-data", "--pairs", 12, "--output", file / "below"))


def test_a_folder_where_a_file_is_needed_is_named(tmp_path, two_runs):
    said = refusal(petseg("compare", *two_runs, "--output", tmp_path))
    assert said == f"error: {tmp_path}: Is a directory; name a file\n"
    assert f"{tmp_path}" in refusal(petseg("settings", "--config", tmp_path))


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--data", "CLOSED", *TINY],
        ["run", "--data", "CLOSED/images", *TINY],
        ["run", "--data", ".", "--output", "CLOSED/out", *TINY],
        ["run", "--config", "CLOSED/mine.yaml"],
        ["predict", "--model", "CLOSED", "--images", "RUN", "--output", "CLOSED/out"],
        ["predict", "--model", "MODEL", "--images", "CLOSED", "--output", "CLOSED/out"],
        ["predict", "--model", "MODEL", "--images", "MODEL", "--output", "CLOSED/out"],
        ["compare", "RUN", "RUN", "--output", "CLOSED/page.html"],
        ["compare", "CLOSED/runs/1", "RUN"],
        ["app", "--model", "CLOSED/serving_model"],
        ["rollback", "--output", "CLOSED"],
        ["sample-data", "--pairs", "12", "--output", "CLOSED/sample"],
    ],
    ids=" ".join,
)
def test_what_may_not_be_read_or_written_is_named(arguments, closed, two_runs, tmp_path):
    model = tmp_path / "model"
    for written in ("assets.extra/settings.json", "saved_model.pb", "photo.jpg"):
        write_atomic(model / written, "{}")
    known = {"CLOSED": str(closed), "RUN": str(two_runs[0]), "MODEL": str(model)}
    for name, path in known.items():
        arguments = [argument.replace(name, path) for argument in arguments]
    said = refusal(petseg_under(obey_permissions, *arguments))
    assert str(closed) in said
    assert "Permission denied" in said or "is not readable" in said


def test_programs_read_json_of_it(closed):
    done = petseg_under(obey_permissions, "run", "--json", "--data", closed / "images", *TINY)
    result = json.loads(done.stdout)
    assert (done.status, result["status"], result["verdict"]) == (2, 2, "error")
    assert str(closed) in result["reason"]
    assert done.stderr == f"error: {result['reason']}\n"


def test_a_full_disk_is_named(tmp_path, two_runs):
    said = refusal(petseg_under(allow_small_files, "compare", *two_runs, "--output", tmp_path / "page.html"))
    assert "File too large" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (IsADirectoryError(21, "Is a directory", "a.part", None, "a"), "a: Is a directory; name a file"),
        (OSError(28, "No space left on device"), "No space left on device; free some space"),
        (OSError("of a\nlibrary"), "of a library"),
        (ConnectionRefusedError(), "ConnectionRefusedError"),
    ],
)
def test_an_error_of_the_system_is_one_line_with_a_remedy(error, line):
    assert describe_error(error) == line
