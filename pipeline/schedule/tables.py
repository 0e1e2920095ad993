"""Schedules and their runs as tables and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from petseg.errors import UserError
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.runners.runner import ScheduleEntry
from pipeline.schedule.history import Firing, History, database

NOTHING = "\N{EN DASH}"


def schedules_table(title: str, entries: Sequence[ScheduleEntry]) -> Table:
    """All schedules of a runner, with their last runs if the runner knows them.

    Args:
        title: Title of the table.
        entries: The schedules.
    """
    headers: tuple[str, ...] = ("name", "cron", "state")
    shows_runs = any(entry.next_time or entry.firings for entry in entries)
    if shows_runs:
        headers += ("only if", "next run", "last run (UTC)", "status", "outcome", "log")
    table = _table(title, headers)
    for entry in entries:
        row = [entry.name, entry.cron, entry.state]
        if shows_runs:
            row += [entry.only_if, f"{entry.next_time:%Y-%m-%d %H:%M %Z}" if entry.next_time else NOTHING]
            row += _cells(entry.firings[-1]) if entry.firings else [NOTHING] * 4
        table.add_row(*row)
    return table


def schedules_json(entries: Sequence[ScheduleEntry]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "name": entry.name,
            "cron": entry.cron,
            "state": entry.state,
            "only_if": entry.only_if,
            "next_time": entry.next_time and entry.next_time.isoformat(timespec="seconds"),
            "last_run": asdict(entry.firings[-1]) if entry.firings else None,
        }
        for entry in entries
    ]


def runs_of(store: Path, name: str) -> Sequence[Firing]:
    """All runs of a schedule on this machine, oldest first, even if it was deleted.

    Raises:
        UserError: There never was such a schedule.
    """
    names = {entry.name for entry in LocalSchedules(store).entries()}
    firings = History(database(store)).of(name)
    if not firings and name not in names:
        raise UserError(f"no schedule {name} in {store}; `schedule list` shows all schedules")
    return firings


def firings_table(name: str, firings: Sequence[Firing]) -> Table:
    """All runs of a schedule."""
    table = _table(f"Runs of {name}", ("started (UTC)", "status", "outcome", "log", "run", "ended (UTC)"))
    for firing in firings:
        table.add_row(*_cells(firing), firing.run_id or NOTHING, _time(firing.ended))
    return table


def _table(title: str, headers: tuple[str, ...]) -> Table:
    table = Table(title=Text(title), title_justify="left", pad_edge=False, box=None)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _cells(firing: Firing) -> list[str]:
    status = NOTHING if firing.status is None else str(firing.status)
    return [_time(firing.started), status, firing.outcome, firing.log or NOTHING]


def _time(when: str | None) -> str:
    return when[:16].replace("T", " ") if when else NOTHING
