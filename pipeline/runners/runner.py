"""What a runner offers to `compile`, `submit` and `schedule`."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from petseg.errors import UserError
from pipeline.paths import Paths
from pipeline.runners.reach import Reach
from pipeline.runs.run_log import discard_output
from pipeline.schedule.conditions import OnlyIf
from pipeline.schedule.cron import cluster_cron
from pipeline.schedule.history import Firing
from pipeline.schedule.schedule import Schedule
from pipeline.settings import PipelineSettings


@dataclass(frozen=True)
class ScheduleEntry:
    """A schedule as `schedule list` shows it.

    Attributes:
        name: Its name.
        cron: Crontab expression.
        state: `due`, or why it does not run: `paused`, or the cluster's own word.
        only_if: Condition for a run.
        next_time: When it runs next; None where it is paused or the runner does not say.
        firings: Its runs so far, oldest first; empty where the runner does not say.
    """

    name: str
    cron: str
    state: str
    only_if: OnlyIf = "always"
    next_time: datetime | None = None
    firings: tuple[Firing, ...] = ()


class Schedules(Protocol):
    """The schedules that a runner keeps.

    All methods raise UserError if there is no such schedule, or if the runner cannot be reached or refuses.
    """

    def entries(self) -> list[ScheduleEntry]:
        """Returns all schedules, by name."""

    def pause(self, name: str) -> object:
        """Pauses a schedule until it is resumed."""

    def resume(self, name: str) -> object:
        """Resumes a paused schedule; missed runs are skipped."""

    def delete(self, name: str) -> object:
        """Deletes a schedule; its runs stay."""


class ClusterSchedules(Schedules, Protocol):
    """The schedules that a cluster keeps: each runs a compiled pipeline."""

    def add(self, name: str, cron: str, compiled: Path) -> str:
        """Creates a schedule and returns the URL of its page.

        Args:
            name: Its name.
            cron: Crontab expression in UTC, with weekdays by name.
            compiled: File with the compiled pipeline.
        """


class Client(Protocol):
    """A connection to a cluster that has accepted the credentials."""

    def submit(self, compiled: Path) -> str:
        """Starts a run of a compiled pipeline and returns the URL of its page.

        Raises:
            UserError: The cluster cannot be reached, or refuses.
        """


class Runner(abc.ABC):
    """Runs the DAG: a class in a folder of its own and a line in the registry.

    Attributes:
        name: Its name in the registry.
    """

    def __init__(self, name: str):
        self.name = name

    @abc.abstractmethod
    def schedules(self, settings: PipelineSettings, store: Path) -> Schedules:
        """Returns the schedules that the runner keeps.

        Args:
            settings: With the cluster's address.
            store: Folder that keeps the schedules of this machine.
        """

    @abc.abstractmethod
    def add_schedule(self, settings: PipelineSettings, schedule: Schedule, store: Path) -> str:
        """Creates a schedule; returns a line that says when it runs or where to watch it."""


class Cluster(Runner):
    """A runner that takes the DAG as a compiled file.

    Attributes:
        gpu_type_pattern: Regular expression for all of `runner.nodes.NAME.gpu_type`.
        gpu_type_example: What such a value is, for messages.
    """

    gpu_type_pattern: ClassVar[str]
    gpu_type_example: ClassVar[str]

    @abc.abstractmethod
    def reach(self, settings: PipelineSettings) -> Reach:
        """Returns what the steps on the cluster see."""

    def warnings(self, settings: PipelineSettings) -> Iterator[str]:
        """Yields what will probably go wrong on this cluster only, one line each."""
        yield from ()

    @abc.abstractmethod
    def paths(self, settings: PipelineSettings) -> Paths:
        """Returns the folders as the steps see them.

        Raises:
            UserError: A setting is missing, or names a folder that the steps of this cluster cannot use.
        """

    @abc.abstractmethod
    def compile(self, settings: PipelineSettings, paths: Paths) -> str:
        """Returns the compiled pipeline, the same text for the same settings and source."""

    @abc.abstractmethod
    def is_compiled(self, text: str) -> bool:
        """Whether a file's text is a pipeline compiled for this cluster.

        Raises:
            ValueError: The text cannot be parsed.
        """

    @abc.abstractmethod
    def connect(self, settings: PipelineSettings) -> Client:
        """Connects to the cluster.

        Raises:
            UserError: A setting is missing, or the cluster cannot be reached or refuses the credentials.
        """

    @abc.abstractmethod
    def schedules(self, settings: PipelineSettings, store: Path) -> ClusterSchedules:
        """Returns the schedules that the cluster keeps."""

    def add_schedule(self, settings: PipelineSettings, schedule: Schedule, store: Path) -> str:
        """Compiles the pipeline and creates a schedule that runs it; returns the URL of its page."""
        from pipeline.runners.compile_pipeline import compiled_file

        if schedule.only_if != "always":
            raise UserError(
                f"--only-if {schedule.only_if} needs a process on this machine that checks the data first; "
                f"with --target {self.name} it must be always"
            )
        cron = cluster_cron(schedule.cron)
        # Connect first: a wrong address or credential is likely, and compiling takes long.
        with discard_output():
            schedules = self.schedules(settings, store)
        with compiled_file(settings, self.name) as compiled, discard_output():
            return schedules.add(schedule.name, cron, compiled)
