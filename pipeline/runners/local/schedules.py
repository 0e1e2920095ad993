"""Schedules on this machine: APScheduler with jobs in SQLite, shared by the command line and a daemon."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from apscheduler import events
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from filelock import FileLock, Timeout

from petseg.errors import UserError
from pipeline.runners.runner import ScheduleEntry
from pipeline.schedule.cron import cron_trigger
from pipeline.schedule.firing import allow_firing, fire, stop_firing
from pipeline.schedule.history import History, database
from pipeline.schedule.schedule import Schedule

POLL_SECONDS = 5
"""How often a running scheduler looks for changes by the command line."""


@contextlib.contextmanager
def _on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` at SIGINT and SIGTERM while the context lasts."""
    numbers = signal.SIGINT, signal.SIGTERM
    before = [signal.signal(number, lambda *_: stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class LocalSchedules:
    """The schedules in a folder.

    Args:
        store: The folder: `schedules.db`, `logs/`, locks.
    """

    def __init__(self, store: Path):
        self._store = store.resolve()

    def add(self, schedule: Schedule) -> datetime:
        """Adds a schedule; returns when it is first due.

        Raises:
            UserError: The cron expression is wrong, or a schedule of that name exists.
        """
        trigger = cron_trigger(schedule.cron)
        with self._at_rest() as scheduler:
            try:
                job = scheduler.add_job(
                    fire,
                    trigger,
                    kwargs={"store": str(self._store), "schedule": schedule.to_dict()},
                    id=schedule.name,
                    # Several missed runs become one, and a run that would start too late is dropped.
                    coalesce=True,
                    misfire_grace_time=max(1, round(schedule.grace_seconds)),
                    max_instances=1,
                )
            except ConflictingIdError:
                raise UserError(
                    f"a schedule {schedule.name} exists in {self._store}; delete it first, or choose another "
                    "--name"
                ) from None
            return job.next_run_time

    def entries(self) -> list[ScheduleEntry]:
        """All schedules, by name."""
        history = self._history()
        with self._at_rest() as scheduler:
            return [
                ScheduleEntry(
                    name=job.id,
                    cron=job.kwargs["schedule"]["cron"],
                    state="due" if job.next_run_time else "paused",
                    only_if=job.kwargs["schedule"]["only_if"],
                    next_time=job.next_run_time,
                    firings=tuple(history.of(job.id)),
                )
                for job in sorted(scheduler.get_jobs("default"), key=lambda job: job.id)
            ]

    def pause(self, name: str) -> None:
        """Pauses a schedule until it is resumed."""
        self._change(name, lambda scheduler: scheduler.pause_job(name))

    def resume(self, name: str) -> datetime:
        """Resumes a paused schedule; missed runs are skipped. Returns when it is next due."""
        return self._change(name, lambda scheduler: scheduler.resume_job(name)).next_run_time

    def delete(self, name: str) -> None:
        """Deletes a schedule; the history of its runs stays."""
        self._change(name, lambda scheduler: scheduler.remove_job(name))

    def fire(self, name: str) -> int:
        """Runs a schedule's pipeline now, as if it were due; returns the exit status.

        SIGINT and SIGTERM interrupt the run, as Ctrl-C does.
        """
        with self._at_rest() as scheduler:
            job = scheduler.get_job(name)
        if job is None:
            raise self._unknown(name)
        with _on_signals(stop_firing):
            try:
                return fire(**job.kwargs)
            finally:
                allow_firing()

    @contextlib.contextmanager
    def running(self) -> Iterator[BackgroundScheduler]:
        """Runs what is due in a thread, one run after another, while the context lasts.

        What became due while no scheduler ran starts at once: one run per schedule, if its grace time
        has not passed. A run that is in progress at the end is interrupted, as by Ctrl-C.

        Raises:
            UserError: Another process runs the schedules of this folder.
        """
        with self._only_scheduler():
            scheduler = self._scheduler()
            # Other processes change the store, and nothing else wakes the scheduler when they do.
            scheduler.add_executor(ThreadPoolExecutor(1), "poll")
            scheduler.add_jobstore(MemoryJobStore(), "poll")
            scheduler.add_job(
                _look_again, "interval", seconds=POLL_SECONDS, executor="poll", jobstore="poll", coalesce=True
            )
            scheduler.add_listener(self._record_missed, events.EVENT_JOB_MISSED)
            scheduler.add_listener(self._record_overlap, events.EVENT_JOB_MAX_INSTANCES)
            scheduler.start()
            try:
                yield scheduler
            finally:
                stop_firing()
                scheduler.shutdown(wait=True)
                allow_firing()

    def run_until_stopped(self) -> None:
        """Runs what is due until SIGINT or SIGTERM.

        Raises:
            UserError: Another process runs the schedules of this folder.
        """
        stop = threading.Event()
        with _on_signals(stop.set), self.running():
            stop.wait()

    def _history(self) -> History:
        history = History(database(self._store))
        # While this lock is held nothing runs, so a firing without an end was killed.
        with contextlib.suppress(Timeout), FileLock(self._store / ".run.lock", blocking=False):
            history.close_unfinished()
        return history

    def _scheduler(self) -> BackgroundScheduler:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        return BackgroundScheduler(
            jobstores={"default": _SharedJobStore(engine=database(self._store))},
            # One worker: one run at a time.
            executors={"default": ThreadPoolExecutor(1)},
        )

    @contextlib.contextmanager
    def _at_rest(self) -> Iterator[BackgroundScheduler]:
        """A scheduler that reads and changes the store but runs nothing."""
        scheduler = self._scheduler()
        scheduler.start(paused=True)
        try:
            yield scheduler
        finally:
            scheduler.shutdown()

    def _change(self, name: str, change: Callable[[BackgroundScheduler], Job]) -> Job:
        with self._at_rest() as scheduler:
            try:
                return change(scheduler)
            except JobLookupError:
                raise self._unknown(name) from None

    def _unknown(self, name: str) -> UserError:
        known = ", ".join(entry.name for entry in self.entries()) or "none"
        return UserError(f"no schedule {name} in {self._store}; there are: {known}")

    @contextlib.contextmanager
    def _only_scheduler(self) -> Iterator[None]:
        self._store.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._store / ".scheduler.lock", blocking=False):
                yield
        except Timeout:
            raise UserError(f"another process runs the schedules of {self._store}") from None

    def _record_missed(self, event: events.JobExecutionEvent) -> None:
        due = event.scheduled_run_time.isoformat(timespec="minutes")
        History(database(self._store)).add(event.job_id, f"missed: it was due at {due}, too long ago")

    def _record_overlap(self, event: events.JobSubmissionEvent) -> None:
        if event.jobstore == "default":
            History(database(self._store)).add(event.job_id, "skipped: the previous run has not ended")


class _SharedJobStore(SQLAlchemyJobStore):
    """A job store from which another process may delete a job that this one is about to update."""

    def update_job(self, job: Job) -> None:
        with contextlib.suppress(JobLookupError):
            super().update_job(job)


def _look_again() -> None:
    """Does nothing: a scheduler that wakes up looks at all its stores."""
