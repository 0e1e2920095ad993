"""A check of a Beam engine: what it is given, and what it says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from petseg.errors import UserError
from pipeline.beam_settings import BeamSettings

SECONDS = 10.0
"""In which a server must answer."""


@dataclass
class EngineRun:
    """What is to run on the engine.

    Attributes:
        beam: The engine's settings.
        data: Folder or URL that its workers read; None: unknown.
        output: Folder that they write; it may be missing. None: unknown.
        unseen: Why the workers do not see one of them, once they were asked.
    """

    beam: BeamSettings
    data: str | None = None
    output: Path | None = None
    unseen: UserError | None = field(default=None, init=False)


@dataclass(frozen=True)
class Finding:
    """What a check found, where a run can go on.

    Attributes:
        detail: One line.
        is_warning: Whether the run should know it also where nobody asked.
    """

    detail: str
    is_warning: bool = False


@dataclass(frozen=True)
class Check:
    """One step of the checks.

    Attributes:
        name: The step's name.
        look: Returns what it found, or None where the engine has nothing of the kind. Raises UserError where
            a run would fail: what is wrong, and the remedy.
    """

    name: str
    look: Callable[[EngineRun], Finding | None]
