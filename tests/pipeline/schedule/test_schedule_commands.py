"""The commands `schedule ...` in processes of their own."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import PETS_CONFIG, PROJECT, petseg

SECONDS_TO_RUN = 120


def test_the_commands(tmp_path):
    store = ("--store", tmp_path / "store")
    make = ("schedule", "--cron", "0 3 * * 1", "--name", "weekly", "--data", "gone", *store)
    make += ("--config", PETS_CONFIG)
    made = petseg(*make)
    assert made.status == 0, made.stderr
    assert made.stdout.startswith("weekly is due 20")
    again = petseg(*make)
    assert again.status == 2
    assert "a schedule weekly exists" in again.stderr
    assert petseg("schedule", "pause", "weekly", *store).stdout == "weekly is paused\n"
    assert "paused" in petseg("schedule", "list", *store).stdout
    assert petseg("schedule", "resume", "weekly", *store).stdout == "weekly is resumed\n"
    shown = petseg("schedule", "list", *store).stdout
    assert "0 3 * * 1" in shown
    (listed,) = json.loads(petseg("schedule", "list", "--json", *store).stdout)
    assert (listed["name"], listed["cron"], listed["state"]) == ("weekly", "0 3 * * 1", "due")
    assert listed["next_time"].startswith("20")
    assert listed["last_run"] is None
    assert petseg("schedule", "delete", "weekly", *store).status == 0
    gone = petseg("schedule", "pause", "weekly", *store)
    assert gone.status == 2
    assert "no schedule weekly in" in gone.stderr


def test_start_runs_until_it_is_told_to_stop_and_only_once(tmp_path):
    command = [sys.executable, "pipeline_runner.py", "schedule", "start", "--store", str(tmp_path)]
    running = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert "running the schedules" in running.stdout.readline()
        give_up = time.monotonic() + SECONDS_TO_RUN
        while not (tmp_path / "schedules.db").exists():
            assert time.monotonic() < give_up
            time.sleep(0.1)
        second = petseg("schedule", "start", "--store", tmp_path)
        assert second.status == 2
        assert "another process runs the schedules" in second.stderr
    finally:
        running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=SECONDS_TO_RUN) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "x"], ["--cron is not given"]),
        (["--cron", "0 3 * *", "--data", "x"], ["--cron '0 3 * *'"]),
        (["--cron", "0 3 * * 1"], ["data.path is not set"]),
        (["--cron", "0 3 * * 1", "--data", "x", "--name", "a/b"], ["--name", "a/b"]),
        (
            ["--cron", "0 3 * * 1", "--data", "x", "--only-if", "drift", "--set", "gate.on_drift=stop"],
            ["--only-if drift", "gate.on_drift"],
        ),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_made(arguments, words, tmp_path):
    done = petseg("schedule", *arguments, "--config", PETS_CONFIG, "--store", tmp_path / "store")
    assert done.status == 2
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "store/schedules.db").exists()
