"""What all settings share: their base class, and a check of names that the data must have."""

import difflib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from petseg.errors import listed


class Settings(BaseModel):
    """Base of every part of the settings: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def check_known(key: str, name: str, known: Sequence[str]) -> None:
    """Checks a name in the settings that only the data can tell right from wrong.

    Args:
        key: The setting.
        name: Its value.
        known: What it can be with this data.

    Raises:
        ValueError: It is none of these; the message has the nearest one, or the first ones.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it can be one of {listed(known) or 'none'}"
        raise ValueError(f"{key} {name!r} is not in this data; {hint}")
