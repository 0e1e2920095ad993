"""Schedules on this machine, with runs that fail before TensorFlow is imported."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from filelock import FileLock

from benchmarks.fake_clock import FakeClock
from components.example_gen.fingerprint import fingerprint
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.schedule.history import Firing, History, database
from pipeline.schedule.schedule import Schedule
from tests.conftest import PROJECT, petseg

SATURDAY_NOON = datetime(2026, 11, 21, 12).astimezone()
SECONDS_TO_RUN = 120

KEEP_STDIN = PROJECT / "tests/pipeline/schedule/keep_stdin.py"


@pytest.fixture
def clock():
    with FakeClock(SATURDAY_NOON).turned() as clock:
        yield clock


@pytest.fixture
def schedules(tmp_path) -> LocalSchedules:
    return LocalSchedules(tmp_path / "store")


def weekly(folder: Path, *overrides: str, **fields) -> Schedule:
    """Mondays at three; its data is not there, so a run ends with status 2 at once."""
    defaults = {
        "name": "weekly",
        "cron": "0 3 * * 1",
        "only_if": "always",
        "folder": str(folder),
        "config": None,
        "overrides": ("data.path=gone", "output=out", *overrides),
        "grace_seconds": 12 * 3600,
        "hook": {},
    }
    return Schedule(**defaults | fields)


def firings(store: Path, name: str = "weekly") -> list[Firing]:
    return list(History(database(store)).of(name))


def wait_for_firings(store: Path, count: int) -> list[Firing]:
    give_up = time.monotonic() + SECONDS_TO_RUN
    while len(found := [f for f in firings(store) if f.ended]) < count:
        assert time.monotonic() < give_up, found
        time.sleep(0.1)
    return found


def see_all_that_is_due(scheduler: BackgroundScheduler, clock: FakeClock) -> None:
    """Waits until the scheduler has looked at all schedules and has run what was due.

    The marker is in the store that the scheduler looks at last, and runs on the one worker of the schedules.
    """
    ran = threading.Event()
    scheduler.add_job(ran.set, "date", run_date=clock.time, jobstore="poll", executor="default")
    assert ran.wait(SECONDS_TO_RUN)


def test_a_week_by_the_clock(schedules, clock, tmp_path):
    assert f"{schedules.add(weekly(tmp_path)):%a %d %H:%M}" == "Mon 23 03:00"
    with schedules.running() as scheduler:
        clock.turn(days=1)
        see_all_that_is_due(scheduler, clock)
        assert firings(tmp_path / "store") == []
        clock.turn(days=1)
        scheduler.wakeup()
        (first,) = wait_for_firings(tmp_path / "store", 1)
        (entry,) = schedules.entries()
        assert f"{entry.next_time:%a %d %H:%M}" == "Mon 30 03:00"
    assert first.status == 2
    assert first.outcome == "error: data.path: there is no folder gone"
    assert "there is no folder gone" in Path(first.log).read_text()


@pytest.mark.parametrize(
    ("late", "outcomes"), [(timedelta(hours=1), ["error"]), (timedelta(hours=20), ["missed"])]
)
def test_of_several_missed_runs_one_is_made_up_for_if_it_is_not_too_late(
    schedules, clock, tmp_path, late, outcomes
):
    due = schedules.add(weekly(tmp_path))
    clock.time = due + timedelta(weeks=2) + late
    with schedules.running() as scheduler:
        found = wait_for_firings(tmp_path / "store", 1)
        see_all_that_is_due(scheduler, clock)
    assert [firing.outcome.split(":")[0] for firing in firings(tmp_path / "store")] == outcomes
    assert (found[0].status is None) == (outcomes == ["missed"])


def test_many_may_look_at_a_new_store_at_once(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: firings(tmp_path / "store"), range(64)))
    assert found == [[]] * 64


def test_a_paused_schedule_rests_and_does_not_catch_up(schedules, clock, tmp_path):
    schedules.add(weekly(tmp_path))
    schedules.pause("weekly")
    assert schedules.entries()[0].next_time is None
    clock.turn(days=2)
    with schedules.running() as scheduler:
        see_all_that_is_due(scheduler, clock)
        assert f"{schedules.resume('weekly'):%a %d %H:%M}" == "Mon 30 03:00"
        see_all_that_is_due(scheduler, clock)
    assert firings(tmp_path / "store") == []


def test_a_failure_is_told_and_production_named(schedules, tmp_path):
    pushed = tmp_path / "out/serving_model/100"
    pushed.mkdir(parents=True)
    (pushed / "saved_model.pb").touch()
    told = tmp_path / "told.json"
    hook = f"schedule.on_failure_command='{sys.executable} {KEEP_STDIN} {told}'"
    schedules.add(weekly(tmp_path, hook))
    assert schedules.fire("weekly") == 2
    failure = json.loads(told.read_text())
    assert failure["schedule"] == "weekly"
    assert failure["kind"] == "failed"
    assert failure["status"] == 2
    assert failure["reason"] == "error: data.path: there is no folder gone"
    assert failure["in_production"] == "100"
    assert failure["text"].startswith("weekly failed: error: data.path")
    assert Path(failure["log"]).is_file()


def test_settings_that_cannot_be_read_any_more_are_told_as_was_agreed(schedules, tmp_path):
    told = tmp_path / "told.json"
    hook = {"on_failure_command": f"{sys.executable} {KEEP_STDIN} {told}"}
    schedules.add(weekly(tmp_path, config="gone.yaml", hook=hook))
    assert schedules.fire("weekly") == 2
    assert "gone.yaml does not exist" in json.loads(told.read_text())["reason"]


def test_unchanged_data_is_not_run_again_and_changed_data_is(schedules, tmp_path):
    data = tmp_path / "gone/images"
    data.mkdir(parents=True)
    (data / "new.jpg").touch()
    schedule = weekly(tmp_path, only_if="new-data")
    schedules.add(schedule)
    history = History(database(tmp_path / "store"))
    evaluated = fingerprint(schedule.settings().data)
    history.end(history.begin("weekly"), 0, "blessed", fingerprint=evaluated)
    history.end(history.begin("weekly"), 1, "error: a run that failed says nothing of the data")
    assert schedules.fire("weekly") == 0
    assert firings(tmp_path / "store")[-1].outcome == "skipped: no new data since the last evaluated model"
    data.parent.rename(tmp_path / "moved")
    assert schedules.fire("weekly") == 2


def test_a_run_waits_for_another_one_no_longer_than_its_grace_time(schedules, tmp_path):
    schedules.add(weekly(tmp_path, grace_seconds=0.3))
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/.lock"):
        assert schedules.fire("weekly") == 0
    (firing,) = firings(tmp_path / "store")
    assert firing.status is None
    assert firing.outcome.startswith("skipped: another run held")


def test_the_run_takes_the_running_interpreter_from_any_folder(schedules, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/__init__.py").write_text("raise ImportError('the wrong package')")
    schedules.add(weekly(tmp_path))
    assert schedules.fire("weekly") == 2
    assert firings(tmp_path / "store")[-1].outcome == "error: data.path: there is no folder gone"


def test_a_process_without_a_result_is_an_error(schedules, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.schedule.firing.COMMAND", (sys.executable, "-c", "import os; os.abort()"))
    schedules.add(weekly(tmp_path))
    assert schedules.fire("weekly") == -signal.SIGABRT
    (firing,) = firings(tmp_path / "store")
    assert firing.outcome == "error: ended with status -6 and printed no result"
    assert firing.run_id is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_is_interrupted_with_the_command_that_fired_it(schedules, tmp_path, monkeypatch, number):
    """The run is in a process group of its own, which a signal to the command does not reach."""
    started, run = tmp_path / "started", tmp_path / "run.py"
    run.write_text(
        "import json, pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        f"    pathlib.Path({str(started)!r}).touch()\n"
        "    time.sleep(600)\n"
        "except KeyboardInterrupt:\n"
        "    print(json.dumps({'run_id': 'r', 'verdict': 'interrupted', 'reason': 'at a node'}))\n"
        "    raise SystemExit(130)\n"
    )
    monkeypatch.setattr("pipeline.schedule.firing.COMMAND", (sys.executable, str(run)))
    schedules.add(weekly(tmp_path))

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.getsignal(number)
    assert schedules.fire("weekly") == 130
    thread.join()
    assert signal.getsignal(number) == before
    (firing,) = firings(tmp_path / "store")
    assert (firing.status, firing.outcome) == (130, "interrupted: at a node")


def test_the_runs_of_a_schedule_can_be_read_by_programs(schedules, tmp_path):
    schedules.add(weekly(tmp_path))
    schedules.fire("weekly")
    schedules.delete("weekly")
    (run,) = json.loads(petseg("schedule", "list", "weekly", "--json", "--store", tmp_path / "store").stdout)
    assert run["status"] == 2
    assert run["outcome"] == "error: data.path: there is no folder gone"


def test_what_was_killed_leaves_no_lock_and_is_shown_as_cut_off(schedules, tmp_path):
    schedules.add(weekly(tmp_path))
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/.lock"):
        waiting = subprocess.Popen(
            [
                sys.executable,
                "pipeline_runner.py",
                "schedule",
                "fire",
                "weekly",
                "--store",
                tmp_path / "store",
            ],
            cwd=PROJECT,
        )
        give_up = time.monotonic() + SECONDS_TO_RUN
        while not firings(tmp_path / "store"):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        assert schedules.entries()[0].firings[-1].outcome == "running"
        waiting.send_signal(signal.SIGKILL)
        waiting.wait()
    assert schedules.entries()[0].firings[-1].outcome == "cut off: its process died"
    assert schedules.fire("weekly") == 2


@pytest.mark.parametrize(
    ("path", "read"), [("pets", "FOLDER/pets"), ("s3://bucket/pets", "s3://bucket/pets")]
)
def test_data_is_found_from_the_schedules_folder_or_on_a_store(tmp_path, path, read):
    settings = weekly(tmp_path, f"data.path={path}").settings()
    assert settings.data.path == read.replace("FOLDER", str(tmp_path))
