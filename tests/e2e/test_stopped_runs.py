"""Runs that something stops: an anomaly in the data, a kill, an interrupt, a second run beside the first."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from tests.conftest import PROJECT, TINY, petseg

FIRST_EPOCH = re.compile(r"epoch 1/")


def start(*arguments: object, log: Path) -> subprocess.Popen:
    """Starts a run in a process group of its own that an interrupt reaches, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "pipeline_runner.py", "run", *map(str, arguments)],
        cwd=PROJECT,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # What a shell starts in the background ignores interrupts, and so would all that it starts.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(pattern: re.Pattern, log: Path, process: subprocess.Popen) -> None:
    """Waits until the run has said something; fails if it ends before."""
    while not pattern.search(log.read_text()):
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)


def pushed_weights(output: Path) -> list[np.ndarray]:
    """All arrays of the one pushed model's weights file, in the order of their names."""
    (version,) = (output / "serving_model").glob("[0-9]*")
    arrays = []
    with h5py.File(version / "assets.extra" / "model.weights.h5") as file:
        file.visititems(
            lambda name, entry: arrays.append(entry[()]) if isinstance(entry, h5py.Dataset) else None
        )
    return arrays


@pytest.fixture
def unknown_breed(sample, tmp_path) -> tuple[Path, str]:
    """A copy of the sample in which one training pair has a breed that the schema does not know."""
    data = tmp_path / "pets"
    shutil.copytree(sample, data)
    lines = (data / "annotations" / "trainval.txt").read_text().splitlines()
    name, *ids = lines[0].split()
    (data / "images" / f"{name}.jpg").rename(data / "images" / "Dodo_1.jpg")
    (data / "annotations" / "trimaps" / f"{name}.png").rename(data / "annotations" / "trimaps" / "Dodo_1.png")
    (data / "annotations" / "trainval.txt").write_text(
        "\n".join([" ".join(["Dodo_1", *ids]), *lines[1:]]) + "\n"
    )
    return data, "Dodo"


def test_an_anomaly_stops_the_run_with_a_table(unknown_breed, tmp_path):
    data, breed = unknown_breed
    output = tmp_path / "out"
    done = petseg("run", "--data", data, "--output", output, *TINY)
    assert done.status == 2, done.stdout + done.stderr
    assert "label/breed" in done.stderr
    assert breed in done.stderr
    assert not (output / "serving_model").exists()
    (run,) = (output / "runs").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["blessed"] is False
    assert metrics["model"] is None
    assert metrics["reason"]


@pytest.mark.slow
def test_a_run_killed_in_training_goes_on_and_ends_with_the_same_weights(sample, tmp_path):
    epochs = ["--set", "trainer.epochs=4"]
    unbroken = petseg("run", "--data", sample, "--output", tmp_path / "unbroken", *TINY, *epochs)
    assert unbroken.status == 0, unbroken.stdout + unbroken.stderr

    log = tmp_path / "killed.txt"
    arguments = ["--data", sample, "--output", tmp_path / "killed", *TINY, *epochs]
    process = start(*arguments, log=log)
    wait_for(FIRST_EPOCH, log, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert children
    assert not alive, "a trainer that lives on would write into the next run's checkpoints"
    assert not (tmp_path / "killed" / "serving_model").exists()
    shutil.copytree(tmp_path / "killed", tmp_path / "moved")

    resumed = petseg("run", *arguments)
    assert resumed.status == 0, resumed.stdout + resumed.stderr
    assert "epoch 1/4" not in resumed.stdout
    assert "epoch 4/4" in resumed.stdout
    assert "Transform               reused" in resumed.stdout
    expected, received = pushed_weights(tmp_path / "unbroken"), pushed_weights(tmp_path / "killed")
    for one, other in zip(expected, received, strict=True):
        np.testing.assert_array_equal(one, other)
    assert list((tmp_path / "killed" / "work" / "checkpoints").iterdir()) == []

    shutil.rmtree(tmp_path / "killed")
    resumed = petseg("run", "--data", sample, "--output", tmp_path / "moved", *TINY, *epochs)
    assert resumed.status == 0, resumed.stdout + resumed.stderr
    assert "epoch 1/4" not in resumed.stdout
    for one, other in zip(expected, pushed_weights(tmp_path / "moved"), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_an_interrupt_is_one_line_and_a_second_run_waits_its_turn(sample, tmp_path):
    log = tmp_path / "interrupted.txt"
    arguments = ["--data", sample, "--output", tmp_path / "out", *TINY, "--set", "trainer.epochs=50"]
    process = start(*arguments, log=log)
    wait_for(FIRST_EPOCH, log, process)

    beside = petseg("run", *arguments)
    assert beside.status == 2
    assert "another run" in beside.stderr

    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=120) == 130
    said = log.read_text()
    assert "interrupted" in said
    assert "Traceback" not in said
