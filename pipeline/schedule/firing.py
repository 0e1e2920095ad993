"""One firing of a schedule on this machine: checks the condition, runs the pipeline, records the outcome."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from components.example_gen.fingerprint import fingerprint
from petseg.errors import UserError
from petseg.versions import production_version
from pipeline.paths import push_directory
from pipeline.runs.outcome import DONE, INTERRUPTED, NODE_FAILED, REFUSED
from pipeline.schedule.failure_hook import notify_of_failure
from pipeline.schedule.history import History, database, now
from pipeline.schedule.schedule import Schedule
from pipeline.schedule.settings import ScheduleSettings
from pipeline.settings import PipelineSettings

COMMAND = (sys.executable, str(Path(__file__).resolve().parents[2] / "pipeline_runner.py"))
"""The running interpreter and the command line beside this package; works from any folder."""

_stopping = threading.Event()
_children: set[int] = set()


def fire(store: str, schedule: dict[str, Any]) -> int:
    """Runs a schedule's pipeline now if its condition holds, and records the outcome.

    Args:
        store: Folder of the schedules.
        schedule: Fields of a Schedule.

    Returns:
        Exit status of the run; 0 if there was nothing to do.
    """
    return _Firing(Path(store), Schedule(**schedule)).status() if not _stopping.is_set() else INTERRUPTED


def stop_firing() -> None:
    """Interrupts the run in progress, as Ctrl-C would; the next run resumes it."""
    _stopping.set()
    for child in tuple(_children):
        _interrupt(child)


def allow_firing() -> None:
    """Allows runs again after stop_firing."""
    _stopping.clear()


def _interrupt(process_group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process_group, signal.SIGINT)


class _Firing:
    def __init__(self, store: Path, schedule: Schedule):
        self._schedule = schedule
        self._store = store
        self._history = History(database(store))
        self._started = datetime.now(timezone.utc)
        self._log = store / "logs" / f"{schedule.name}-{self._started:%Y%m%d-%H%M%S}.log"
        self._run_id: str | None = None
        self._fingerprint: str | None = None

    def status(self) -> int:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._alone(self._store / ".run.lock"):
                # While this lock is held nothing runs, so a firing without an end was killed.
                self._history.close_unfinished()
                status, outcome = self._recorded()
        except _BusyError as busy:
            status, outcome = DONE, f"skipped: {busy}"
            self._history.add(self._schedule.name, outcome)
        print(f"{self._schedule.name}: {outcome}", file=sys.stderr, flush=True)
        return status

    def _recorded(self) -> tuple[int, str]:
        """Fires, reports a failure, and completes the row in the history whatever happens."""
        firing = self._history.begin(self._schedule.name, str(self._log))
        settings: PipelineSettings | None = None
        try:
            settings = self._schedule.settings()
            with self._alone(Path(str(settings.output), ".lock")):
                pass
            status, outcome = self._run_if_wanted(settings)
        except UserError as error:
            status, outcome = error.exit_status, f"error: {error}"
        except _BusyError as busy:
            self._history.end(firing, None, f"skipped: {busy}")
            return DONE, f"skipped: {busy}"
        except Exception as error:
            status, outcome = NODE_FAILED, f"error: {type(error).__name__}: {error}"
            with self._log.open("a") as log:
                traceback.print_exc(file=log)
        if status not in (DONE, INTERRUPTED):
            outcome = self._notify(settings, status, outcome)
        # After a failed run the data still counts as new.
        evaluated = self._run_id is not None and status in (DONE, REFUSED)
        self._history.end(
            firing, status, outcome, run_id=self._run_id, fingerprint=self._fingerprint if evaluated else None
        )
        return status, outcome

    def _run_if_wanted(self, settings: PipelineSettings) -> tuple[int, str]:
        self._fingerprint = fingerprint(settings.data)
        if self._schedule.only_if == "new-data":
            if self._fingerprint == self._history.last_evaluated_fingerprint(self._schedule.name):
                return DONE, "skipped: no new data since the last evaluated model"
        elif self._schedule.only_if == "drift":
            status, outcome = self._run("--to", "DatasetGate")
            if status != DONE:
                return status, outcome
            gate = Path(str(settings.output), "runs", str(self._run_id), "gate.json")
            drift = json.loads(gate.read_text())["drift"]
            if drift and not drift["drifted"]:
                self._run_id = None
                return DONE, f"skipped: no drift, {drift['reason']}"
        return self._run()

    def _run(self, *more: str) -> tuple[int, str]:
        """Runs the pipeline in another process; returns its exit status and its verdict."""
        arguments = ["--config", self._schedule.config] if self._schedule.config else []
        for override in self._schedule.overrides:
            arguments += ["--set", override]
        # A file, because a pipe stays open while a grandchild holds it.
        with self._log.open("ab") as log, tempfile.TemporaryFile() as stdout:
            process = subprocess.Popen(
                [*COMMAND, "run", "--json", *arguments, *more],
                cwd=self._schedule.folder,
                stdout=stdout,
                stderr=log,
                # A process group of its own can be interrupted as a terminal would.
                start_new_session=True,
            )
            status = self._wait(process)
            stdout.seek(0)
            printed = stdout.read()
        try:
            result = json.loads(printed)
        except ValueError:
            self._run_id = None
            return status, f"error: ended with status {status} and printed no result"
        self._run_id = result["run_id"]
        return status, f"{result['verdict']}: {result['reason']}"

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        _children.add(process.pid)
        if _stopping.is_set():
            _interrupt(process.pid)
        try:
            return process.wait()
        finally:
            _children.discard(process.pid)

    def _notify(self, settings: PipelineSettings | None, status: int, outcome: str) -> str:
        """Notifies of a failure; returns the outcome, and what went wrong with the notification."""
        kind = "refused" if status == REFUSED else "failed"
        failure = {
            "text": f"{self._schedule.name} {kind}: {outcome}",
            "schedule": self._schedule.name,
            "kind": kind,
            "status": status,
            "reason": outcome,
            "run": self._run_id,
            "started": self._started.isoformat(timespec="seconds"),
            "ended": now(),
            "log": str(self._log),
            "output": settings and settings.output,
            "in_production": settings
            and production_version(settings.push.directory or push_directory(str(settings.output))),
        }
        # If the settings cannot be read any more, those from the creation of the schedule say whom to notify.
        hook = settings.schedule if settings else ScheduleSettings.model_validate(self._schedule.hook)
        return "; ".join([outcome, *notify_of_failure(hook, failure)])

    @contextlib.contextmanager
    def _alone(self, lock_file: Path) -> Iterator[None]:
        # The operating system drops the lock when its holder dies, however it dies.
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=self._schedule.grace_seconds)
        except Timeout:
            raise _BusyError(f"another run held {lock_file} too long") from None
        try:
            yield
        finally:
            lock.release()


class _BusyError(Exception):
    """Another run is in progress."""
