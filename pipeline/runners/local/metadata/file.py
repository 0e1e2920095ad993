"""Checks ML Metadata's SQLite file before a run, which could only show a traceback, or wait in silence."""

import contextlib
import sqlite3
import sys
import time
from pathlib import Path

from petseg.errors import UserError

SECONDS_TO_A_WORD = 3.0
SECONDS_TO_AN_ERROR = 60.0
BUSY_TIMEOUT_SECONDS = 0.5


def check_metadata_file(database: Path) -> None:
    """Checks that the file is whole and can be written; it may be missing.

    While another process keeps it locked, this waits up to a minute, and says so on stderr.

    Raises:
        UserError: The file is damaged, not an SQLite file, cannot be written, or stays locked.
    """
    if not database.exists():
        return
    if not database.is_file():
        raise UserError(f"{database} must be ML Metadata's SQLite file; it is a folder")
    begin, told = time.monotonic(), False
    while (finding := _finding(database)) == "locked":
        waited = time.monotonic() - begin
        if waited > SECONDS_TO_AN_ERROR:
            raise UserError(f"{database} is locked by another process; end that one, then run again")
        if waited > SECONDS_TO_A_WORD and not told:
            print(f"waiting: another process has locked {database}", file=sys.stderr, flush=True)
            told = True
    if finding:
        old = _free_name(database.parent)
        belongs = " ".join(
            str(path) for path in (database, database.with_name("pipeline_root")) if path.exists()
        )
        raise UserError(
            f"{database} is damaged ({finding}); put a backup of it back, or begin anew and keep its "
            f"artifacts: mkdir {old} && mv {belongs} {old}. Pushed models and reports stay"
        )


def _finding(database: Path) -> str:
    """Returns what is wrong with the file: `locked`, a reason, or an empty string."""
    # Not read-only: what a killed run left in the journal must be rolled back first.
    connection = sqlite3.connect(database, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        try:
            connection.execute("BEGIN IMMEDIATE")
            (first,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'MLMDEnv'").fetchall()
            connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            return "locked" if "locked" in str(error) else str(error)
    if first != "ok":
        return " ".join(first.split())
    # ML Metadata would fill an empty file, and number its executions from 1 again.
    return "" if tables else "it has no tables of ML Metadata"


def _free_name(folder: Path) -> Path:
    names = (folder / f"old{number or ''}" for number in range(1000))
    return next(name for name in names if not name.exists())
