"""What became of each scheduled run: one row a firing, in the store of the schedules."""

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
        status: Exit status of `run`; None where there was no run, or it was cut off.
        outcome: In words.
        run_id: The run, where there was one.
        log: What the run printed.
        fingerprint: Of the data's files; None where no model was judged on them.
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
        engine: The store's database; the table is made where it is missing.
    """

    def __init__(self, engine: sql.Engine):
        self._engine = engine
        with engine.begin() as connection:
            # Others may be making it at this moment.
            connection.execute(sql.schema.CreateTable(TABLE, if_not_exists=True))

    def begin(self, schedule: str, log: str | None = None) -> int:
        """Records that a schedule fires now; returns the firing's id."""
        row = {"schedule": schedule, "started": now(), "outcome": RUNNING, "log": log}
        with self._engine.begin() as connection:
            return connection.execute(TABLE.insert().values(row).returning(TABLE.c.id)).scalar_one()

    def end(self, firing: int, status: int | None, outcome: str, **more: Any) -> None:
        """Records how a firing ended; `more` are further columns."""
        row = {"ended": now(), "status": status, "outcome": outcome, **more}
        with self._engine.begin() as connection:
            connection.execute(TABLE.update().where(TABLE.c.id == firing).values(row))

    def add(self, schedule: str, outcome: str) -> None:
        """Records why a schedule was due and did not run."""
        self.end(self.begin(schedule), None, outcome)

    def close_unfinished(self) -> None:
        """Marks what did not end as cut off; to be called by who knows that nothing runs."""
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

    def last_judged_fingerprint(self, schedule: str) -> str | None:
        """Fingerprint of the data that the schedule's last judged model was made from."""
        return next((f.fingerprint for f in reversed(self.of(schedule)) if f.fingerprint), None)


def database(store: Path) -> sql.Engine:
    """The database in a folder of schedules; the folder is made where it is missing."""
    store.mkdir(parents=True, exist_ok=True)
    # Another process may be writing: wait for it.
    return sql.create_engine(f"sqlite:///{store / 'schedules.db'}", connect_args={"timeout": 30})


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
