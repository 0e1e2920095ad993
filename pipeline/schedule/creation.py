"""Makes a schedule from what the command line says."""

import os
import re
from pathlib import Path
from typing import Literal

from petseg.errors import UserError
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.schedule.cluster_schedules import add_to_cluster
from pipeline.schedule.cron import cluster_cron
from pipeline.schedule.firing import OnlyIf, Schedule
from pipeline.settings import load_settings

Target = Literal["local", "kubeflow", "vertex"]


def create_schedule(
    target: Target,
    cron: str | None,
    only_if: OnlyIf,
    name: str | None,
    config: Path | None,
    overrides: list[str],
    store: Path,
) -> str:
    """Makes a schedule and says when it is due, on a cluster where it can be watched.

    Args:
        target: Where it is kept and runs.
        cron: Crontab expression.
        only_if: What must be so for a run to take place.
        name: Its name; None: that of the config.
        config: YAML of the experiment.
        overrides: `key=value`, laid over it.
        store: Folder of the schedules on this machine.

    Raises:
        UserError: Something is missing or wrong; nothing was made.
    """
    if cron is None:
        raise UserError("--cron is not given; it says when, such as --cron '0 3 * * 1' for Mondays at three")
    settings = load_settings(config, overrides)
    name = name or (config.stem if config else settings.name)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UserError(f"--name must be letters, digits, '-', '_' and '.'; received {name!r}")
    if settings.data.path is None:
        raise UserError("data.path is not set; give the data's folder with --data DIR")
    if target != "local":
        if only_if != "always":
            raise UserError(
                f"--only-if {only_if} needs a process that looks before the run; there it must be always"
            )
        return add_to_cluster(settings, target, name, cluster_cron(cron))
    if only_if == "drift" and settings.gate.on_drift == "stop":
        raise UserError("--only-if drift never runs with gate.on_drift=stop; it must be report")
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
    due = LocalSchedules(store).add(schedule)
    return f"{name} is due {due:%Y-%m-%d %H:%M %Z}, where `schedule start` runs"
