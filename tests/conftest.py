"""Fixtures that many tests share: the sample data and one whole run of the pipeline."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("petseg", deadline=None)
settings.load_profile("petseg")

PROJECT = Path(__file__).resolve().parents[1]

SHARED_RUNS = ("first_run",)
"""Session fixtures that run a whole pipeline: all tests that use one go to the same worker of `pytest -n`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells xdist (`--dist loadgroup`) what belongs together: a file's tests, and those that share a run."""
    shared = {
        item.path: fixture
        for item in items
        for fixture in SHARED_RUNS
        if fixture in getattr(item, "fixturenames", ())
    }
    for item in items:
        item.add_marker(pytest.mark.xdist_group(shared.get(item.path, str(item.path))))


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    status: int
    stdout: str
    stderr: str


def petseg(*arguments: object, timeout: float = 1800, **environment: str) -> Finished:
    """Runs the command line as a person does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "pipeline_runner.py", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """A sample data set of 60 pairs; not to be changed."""
    from pipeline.sample_data import write_sample

    folder = tmp_path_factory.mktemp("sample") / "pets"
    write_sample(folder, 60, seed=1)
    return folder


CONFIG_VARIABLES = {
    "PETSEG_DATA": "/data",
    "PETSEG_WEIGHTS": "/weights",
    "PETSEG_IMAGE": "registry.example.com/petseg",
    "PETSEG_BUCKET": "bucket",
}
"""The environment variables that configs and documentation use."""


@pytest.fixture
def config_variables(monkeypatch):
    for name, value in CONFIG_VARIABLES.items():
        monkeypatch.setenv(name, value)


PETS_CONFIG = PROJECT / "configs/data/pets.yaml"

TINY_SETTINGS = [
    "--set", "model.image_size=64",
    "--set", "model.decoder_filters=[32, 24, 16, 8]",
    "--set", "trainer.epochs=2",
    "--set", "trainer.batch_size=8",
    "--set", "trainer.preview_photos=1",
    "--set", "evaluation.floor=0.05",
    "--set", "serving_check.requests=3",
    "--set", "serving_check.max_p99_seconds=20",
]  # fmt: skip
"""Settings of a run that is quick and means nothing: the floor lets any model through."""

TINY = ["--config", str(PETS_CONFIG), *TINY_SETTINGS]
"""Options of such a run on the pets."""


@dataclass(frozen=True)
class Run:
    """A whole run: where it wrote, how it ended, and its folder for temporary files."""

    output: Path
    data: Path
    arguments: list[str]
    finished: Finished
    temporary: Path

    def again(self, *more: object) -> Finished:
        """Runs the same command once more, with more arguments behind."""
        return petseg("run", *self.arguments, *more)


@pytest.fixture(scope="session")
def first_run(sample, tmp_path_factory) -> Run:
    """One whole local run on the sample to a pushed model; its output may be run in again."""
    output = tmp_path_factory.mktemp("run") / "out"
    temporary = tmp_path_factory.mktemp("temporary")
    arguments = ["--data", str(sample), "--output", str(output), *TINY]
    finished = petseg("run", *arguments, TMPDIR=str(temporary))
    return Run(output, sample, arguments, finished, temporary)


@pytest.fixture(scope="session")
def s3():
    """Environment of an S3 server with a bucket `bucket`, in which this process is, too."""
    from tests.object_stores import s3_server

    with s3_server() as environment:
        yield environment


@pytest.fixture(scope="session")
def gs():
    """The same of an emulator of Google's store."""
    from tests.object_stores import gs_server

    with gs_server() as environment:
        yield environment
