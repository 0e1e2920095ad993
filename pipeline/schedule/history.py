"""History of scheduled runs: one row per firing, in the store of the schedules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sql

TABLE = sql.Table(
    "firings",
    sql.MetaData(),
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("schedule", sql.Unicode, nullable=False),
    sql.Column("started", sql.Unicode, nullable=False),
    sql.Column("ended", sql.Unicode),
    sql.Column("status", sql.Integer),
    sql.Column("outcome", sql.Unicode, nullable=False),
    sql.Column("run_id", sql.Unicode),
    sql.Column("log", sql.Unicode),
    sql.Column("fingerprint", sql.Unicode),
)

RUNNING = "running"


@dataclass(frozen=True)
class Firing:
    """One time that a schedule was due.

    Attributes:
        id: Number of the row.
        schedule: Name of the schedule.
        started: UTC, ISO 8601.
        ended: The same; None while it runs.
        status: Exit status of `run`; None if there was no run, or it was killed.
        outcome: How it ended, in words.
        run_id: The run; None if there was none.
        log: File with the output of the run.
        fingerprint: Of the data's files; None if no model was evaluated on them.
    """

    id: int
    schedule: str
    started: str
    ended: str | None
    status: int | None
    outcome: str
    run_id: str | None
    log: str | None
    fingerprint: str | None


class History:
    """The firings of all schedules of a store.

    Args:
        engine: Database of the store; the table is created if it is missing.
    """

    def __init__(self, engine: sql.Engine):
        self._engine = engine
        with engine.begin() as connection:
            # Another process may create it at the same moment.
            connection.execute(sql.schema.CreateTable(TABLE, if_not_exists=True))

    def begin(self, schedule: str, log: str | None = None) -> int:
        """Records the start of a firing; returns its id."""
        row = {"schedule": schedule, "started": now(), "outcome": RUNNING, "log": log}
        with self._engine.begin() as connection:
            return connection.execute(TABLE.insert().values(row).returning(TABLE.c.id)).scalar_one()

    def end(self, firing: int, status: int | None, outcome: str, **more: Any) -> None:
        """Records the end of a firing; `more` are other columns."""
        row = {"ended": now(), "status": status, "outcome": outcome, **more}
        with self._engine.begin() as connection:
            connection.execute(TABLE.update().where(TABLE.c.id == firing).values(row))

    def add(self, schedule: str, outcome: str) -> None:
        """Records why a schedule was due and did not run."""
        self.end(self.begin(schedule), None, outcome)

    def close_unfinished(self) -> None:
        """Marks firings without an end as killed. Call it only while nothing runs."""
        with self._engine.begin() as connection:
            connection.execute(
                TABLE.update()
                .where(TABLE.c.ended.is_(None))
                .values(ended=now(), outcome="cut off: its process died")
            )

    def of(self, schedule: str) -> Sequence[Firing]:
        """The firings of a schedule, oldest first."""
        select = TABLE.select().where(TABLE.c.schedule == schedule).order_by(TABLE.c.id)
        with self._engine.begin() as connection:
            return [Firing(**row._mapping) for row in connection.execute(select)]

    def last_evaluated_fingerprint(self, schedule: str) -> str | None:
        """Fingerprint of the data of the schedule's last evaluated model."""
        return next((f.fingerprint for f in reversed(self.of(schedule)) if f.fingerprint), None)


def database(store: Path) -> sql.Engine:
    """The database of a folder of schedules; the folder is created if it is missing."""
    store.mkdir(parents=True, exist_ok=True)
    # Wait while another process writes.
    return sql.create_engine(f"sqlite:///{store / 'schedules.db'}", connect_args={"timeout": 30})


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
