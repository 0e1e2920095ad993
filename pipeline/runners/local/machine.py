"""This machine as a runner of schedules; `run` itself is in run.py."""

from pathlib import Path

from petseg.errors import UserError
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.runners.runner import Runner
from pipeline.schedule.schedule import Schedule
from pipeline.settings import PipelineSettings


class LocalMachine(Runner):
    """This machine, where `schedule start` or `schedule fire` runs what is due."""

    def schedules(self, settings: PipelineSettings, store: Path) -> LocalSchedules:
        """The schedules in the folder."""
        return LocalSchedules(store)

    def add_schedule(self, settings: PipelineSettings, schedule: Schedule, store: Path) -> str:
        """Adds a schedule to the folder; returns a line that says when it is due."""
        if schedule.only_if == "drift" and settings.gate.on_drift == "stop":
            raise UserError(
                "--only-if drift would never run with gate.on_drift=stop; set gate.on_drift=report"
            )
        due = LocalSchedules(store).add(schedule)
        return f"{schedule.name} is due {due:%Y-%m-%d %H:%M %Z}; `schedule start` runs it"
