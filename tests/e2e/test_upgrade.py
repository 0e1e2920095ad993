"""An output folder of the last release: today's commands work on it."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import PETS_CONFIG, PROJECT, Finished, petseg

LAST_RELEASE = "3df81c4"

SETTINGS = [
    "--set", "model.image_size=64",
    "--set", "model.decoder_filters=[32, 24, 16, 8]",
    "--set", "trainer.epochs=2",
    "--set", "trainer.batch_size=8",
    "--set", "evaluation.floor=0.05",
    "--set", "evaluation.max_regression=1",
    "--set", "serving_check.requests=3",
    "--set", "serving_check.max_p99_seconds=20",
]  # fmt: skip
"""Of quick runs whose models are all pushed."""

PETS = ["--config", str(PETS_CONFIG)]
"""The pets, which were the last release's defaults."""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class LastRelease:
    """The last release's code, and what it left.

    Attributes:
        code: Its source tree.
        output: Output folder with two pushed models and an unfinished training.
        store: Folder with two schedules, one of them without a config.
        arguments: Of its runs.
        runs: Ids of its runs with a verdict, oldest first.
    """

    code: Path
    output: Path
    store: Path
    arguments: list[str]
    runs: list[str]

    def petseg(self, *arguments: object) -> Finished:
        """Runs a command of the last release."""
        done = subprocess.run(
            [sys.executable, "pipeline_runner.py", *map(str, arguments)],
            cwd=self.code,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def run_and_kill(self, *arguments: object) -> None:
        """Kills a run of the last release after its first epoch."""
        process = subprocess.Popen(
            [sys.executable, "-u", "pipeline_runner.py", "run", *map(str, arguments)],
            cwd=self.code,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert any("epoch 1/" in line for line in process.stdout), "the run ended before its first epoch"
        process.kill()
        process.wait()


def unpack(commit: str, folder: Path) -> None:
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=PROJECT, capture_output=True, check=False
    )
    if known.returncode:
        pytest.skip(f"needs the history of git with commit {commit}, the last release")
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=PROJECT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)


@pytest.fixture(scope="module")
def last_release(sample, tmp_path_factory) -> LastRelease:
    folder = tmp_path_factory.mktemp("last_release")
    unpack(LAST_RELEASE, folder / "code")
    output, store = folder / "out", folder / "schedules"
    arguments = ["--data", str(sample), "--output", str(output), *SETTINGS]
    left = LastRelease(folder / "code", output, store, arguments, [])
    for seed in (1, 2):
        done = left.petseg("run", *arguments, "--set", f"trainer.seed={seed}")
        assert done.status == 0, done.stdout + done.stderr
    left.runs.extend(sorted(path.name for path in (output / "runs").iterdir()))
    left.run_and_kill(*arguments, "--set", "trainer.epochs=50")
    assert list((output / "pipeline_root" / "checkpoints").iterdir())
    for config in ([], ["--config", "configs/demo.yaml"]):
        done = left.petseg("schedule", "--cron", "0 3 1 1 *", "--store", store, *config, *arguments)
        assert done.status == 0, done.stdout + done.stderr
    # As an update of the checkout does.
    shutil.copytree(PROJECT / "configs", left.code / "configs", dirs_exist_ok=True)
    return left


@pytest.fixture(scope="module")
def upgraded(last_release) -> Finished:
    """A run of today's code in the folder."""
    return petseg("run", *PETS, *last_release.arguments)


def metrics_of(output: Path, run: str) -> dict:
    return json.loads((output / "runs" / run / "metrics.json").read_text())


def newest_run(output: Path) -> str:
    return max(path.name for path in (output / "runs").iterdir())


def versions(output: Path) -> list[str]:
    return sorted(path.name for path in (output / "serving_model").glob("[0-9]*"))


def test_a_run_evaluates_against_the_last_releases_model_and_pushes(last_release, upgraded):
    assert upgraded.status == 0, upgraded.stdout + upgraded.stderr
    assert len(versions(last_release.output)) == 3
    before = metrics_of(last_release.output, last_release.runs[-1])
    now = metrics_of(last_release.output, newest_run(last_release.output))
    assert now["baseline"]["model"]["mean_iou"] == pytest.approx(before["model"]["mean_iou"], abs=1e-6)


def test_its_unfinished_training_is_named_and_can_be_started_from(last_release, upgraded):
    (named,) = re.findall(r"(\S*/work/checkpoints/\S+) \(", upgraded.stdout)
    assert not (last_release.output / "pipeline_root" / "checkpoints").exists()
    done = petseg(
        "run", *PETS, *last_release.arguments, "--set", f"trainer.warm_start={named}", "--to", "Trainer"
    )
    assert done.status == 0, done.stdout + done.stderr


def test_a_run_starts_from_its_pushed_model(last_release, upgraded):
    model = last_release.output / "serving_model" / versions(last_release.output)[0]
    done = petseg(
        "run", *PETS, *last_release.arguments, "--set", f"trainer.warm_start={model}", "--to", "Trainer"
    )
    assert done.status == 0, done.stdout + done.stderr


def test_its_runs_are_listed(last_release, upgraded):
    done = petseg("runs", "--output", last_release.output, "--json")
    assert done.status == 0, done.stderr
    for run in last_release.runs:
        assert run in done.stdout
    table = petseg("runs", "--output", last_release.output)
    assert table.status == 0, table.stderr


def test_its_runs_are_compared(last_release, upgraded, tmp_path):
    runs = [last_release.output / "runs" / run for run in last_release.runs]
    done = petseg("compare", *runs, last_release.output, "--output", tmp_path / "compare.html")
    assert done.status == 0, done.stdout + done.stderr
    page = (tmp_path / "compare.html").read_text()
    for run in last_release.runs:
        assert run in page


def test_its_model_segments_photos(last_release, sample, tmp_path):
    model = last_release.output / "serving_model" / versions(last_release.output)[0]
    photos = sorted((sample / "images").glob("*.jpg"))[:2]
    images = [argument for photo in photos for argument in ("--images", photo)]
    done = petseg("predict", "--model", model, *images, "--output", tmp_path / "masks")
    assert done.status == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "masks").rglob("*.png"))) >= 2


def test_its_schedules_are_listed_and_run(last_release, upgraded):
    listed = petseg("schedule", "list", "--store", last_release.store, "--json")
    assert listed.status == 0, listed.stderr
    assert [entry["name"] for entry in json.loads(listed.stdout)] == ["demo", "petseg"]
    done = petseg("schedule", "fire", "demo", "--store", last_release.store)
    assert done.status == 0, done.stdout + done.stderr


def test_a_schedule_without_a_config_says_what_to_do(last_release):
    done = petseg("schedule", "fire", "petseg", "--store", last_release.store)
    assert done.status == 2
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "data.classes is not set" in line
    assert "extends: data/pets.yaml" in line


def test_rollback_brings_its_first_model_back(last_release, upgraded):
    first = versions(last_release.output)[0]
    done = petseg("rollback", "--output", last_release.output, "--version", first)
    assert done.status == 0, done.stdout + done.stderr
    newest = versions(last_release.output)[-1]
    assert newest > first
    assert newest in done.stdout
