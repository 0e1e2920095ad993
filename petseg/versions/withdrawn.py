"""Withdrawn models: a rollback took them out of production, and they are not pushed again unless allowed.

    DIR/.withdrawn/<model_digest>.json     {"version", "withdrawn"}: its version, and when

There is one small file per model, written atomically, so two simultaneous rollbacks lose nothing, not even on
an object store. If a version is pruned its mark stays, because the model may come again from the cache.
"""

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from petseg.errors import UserError
from petseg.files.atomic import write_atomic
from petseg.files.object_store import StorePath, as_path

WITHDRAWN = ".withdrawn"


@dataclass(frozen=True)
class Withdrawal:
    """The mark of a withdrawn model.

    Attributes:
        version: Its version while it was in production.
        time: When it was withdrawn, UTC, ISO 8601.
    """

    version: str
    time: str


def withdrawal(directory: str | Path, digest: str) -> Withdrawal | None:
    """Returns the mark of the model with this `model_digest`; None if it is not withdrawn.

    Raises:
        UserError: The mark cannot be read.
    """
    file = _mark(directory, digest)
    try:
        content = json.loads(file.read_text())
        return Withdrawal(content["version"], content["withdrawn"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{file} cannot be read, so it is not known whether this model is withdrawn; remove the file to "
            "allow the model"
        ) from None


def withdraw(directory: str | Path, digest: str, version: str) -> None:
    """Marks a model that was in production as `version`."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    write_atomic(str(_mark(directory, digest)), json.dumps({"version": version, "withdrawn": now}) + "\n")


def allow(directory: str | Path, digest: str) -> None:
    """Removes the mark of a model, if it has one."""
    with contextlib.suppress(FileNotFoundError):
        _mark(directory, digest).unlink()


def _mark(directory: str | Path, digest: str) -> Path | StorePath:
    return as_path(str(directory)) / WITHDRAWN / f"{digest}.json"
