"""Creates a schedule from what the command line says."""

import os
import re
from pathlib import Path

from petseg.errors import UserError
from pipeline.runners.registry import find_runner
from pipeline.schedule.conditions import OnlyIf
from pipeline.schedule.schedule import Schedule
from pipeline.settings import load_settings


def create_schedule(
    target: str,
    cron: str | None,
    only_if: OnlyIf,
    name: str | None,
    config: Path | None,
    overrides: list[str],
    store: Path,
) -> str:
    """Creates a schedule; returns a line that says when it runs or where to watch it.

    Args:
        target: Name of the runner.
        cron: Crontab expression.
        only_if: Condition for a run.
        name: Its name; None: that of the config.
        config: YAML of the experiment.
        overrides: `key=value`, laid over it.
        store: Folder of the schedules on this machine.

    Raises:
        UserError: Something is missing or wrong; nothing was created.
    """
    if cron is None:
        raise UserError("--cron is not given; set it to a time such as '0 3 * * 1' for Mondays at 3:00")
    settings = load_settings(config, overrides)
    name = name or (config.stem if config else settings.name)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UserError(f"--name must consist of letters, digits, '-', '_' and '.'; received {name!r}")
    if settings.data.path is None:
        raise UserError("data.path is not set; set it with --data DIR")
    settings.data.require_classes()
    schedule = Schedule(
        name=name,
        cron=cron,
        only_if=only_if,
        folder=os.getcwd(),
        config=str(config) if config else None,
        overrides=tuple(overrides),
        grace_seconds=settings.schedule.grace_hours * 3600,
        hook=settings.schedule.model_dump(mode="json"),
    )
    return find_runner(target).add_schedule(settings, schedule, store)
