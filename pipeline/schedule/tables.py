"""Schedules and their runs as tables."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from petseg.errors import UserError
from pipeline.runners.compiled_file import Target
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.schedule.cluster_schedules import cluster_schedules
from pipeline.schedule.history import Firing, History, database
from pipeline.settings import PipelineSettings

NOTHING = "\N{EN DASH}"


def schedules_table(store: Path) -> Table:
    """All schedules of a folder, with the last run of each."""
    table = _table(
        f"Schedules in {store}",
        ("name", "cron", "only if", "due next", "last fired (UTC)", "status", "outcome", "log"),
    )
    for entry in LocalSchedules(store).entries():
        due = f"{entry.next_time:%Y-%m-%d %H:%M %Z}" if entry.next_time else "paused"
        last = _cells(entry.firings[-1]) if entry.firings else [NOTHING] * 4
        table.add_row(entry.schedule.name, entry.schedule.cron, entry.schedule.only_if, due, *last)
    return table


def cluster_table(settings: PipelineSettings, target: Target) -> Table:
    """All schedules that a cluster keeps.

    Raises:
        UserError: The cluster cannot be reached, or refuses.
    """
    with cluster_schedules(settings, target) as schedules:
        entries = schedules.entries()
    table = _table(f"Schedules on {target}", ("name", "cron (UTC)", "state"))
    for entry in entries:
        table.add_row(entry.name, entry.cron, entry.state)
    return table


def firings_table(store: Path, name: str) -> Table:
    """All that became of a schedule, oldest first.

    Raises:
        UserError: There neither is nor was such a schedule.
    """
    entries = {entry.schedule.name for entry in LocalSchedules(store).entries()}
    firings = History(database(store)).of(name)
    if not firings and name not in entries:
        raise UserError(f"there is no schedule {name} in {store}; `schedule list` shows those that there are")
    table = _table(f"Runs of {name}", ("fired (UTC)", "status", "outcome", "log", "run", "ended (UTC)"))
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
