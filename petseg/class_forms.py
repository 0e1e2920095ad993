"""The forms in which people write class tables and the sources of a class."""

import re
import unicodedata
from typing import Any

HEX_COLOR = re.compile(r"#[0-9a-f]{6}")

Source = int | str
"""A number in a mask, a color as #rrggbb, or the name of a label."""

ENTRY = '{value: 1, name: car, color: "#d62728"}'
FORMS = f"a list of {ENTRY}, a mapping {{0: road, 1: car}}, or a list of names"


def in_full(table: Any) -> Any:
    """A bare list of classes, a list of names or a mapping {value: name} as {classes: [...]}."""
    if isinstance(table, list | tuple):
        return {"classes": _from_list(table)}
    if not isinstance(table, dict):
        return table
    settings = {key: value for key, value in table.items() if isinstance(key, str)}
    if "classes" not in table and len(settings) < len(table):
        named = [{"value": key, "name": name} for key, name in table.items() if key not in settings]
        return settings | {"classes": named}
    classes = table.get("classes", ())
    if isinstance(classes, dict):
        return table | in_full(classes)
    if not isinstance(classes, list | tuple):
        raise ValueError(f"a class table must be {FORMS}; received {classes!r}")
    return table | {"classes": _from_list(classes)}


def _from_list(classes: Any) -> list[Any]:
    """Numbers a list of names; leaves a list of classes as it is."""
    listed = list(classes)
    if not any(isinstance(entry, str) for entry in listed):
        return listed
    return [{"value": index, "name": name} for index, name in enumerate(listed)]


def read_sources(given: Any) -> tuple[Source, ...]:
    """One source or a list of sources; a color may be #rrggbb or [red, green, blue]."""
    listed = given if isinstance(given, list | tuple) else [given]
    sources = tuple(as_hex(source) for source in listed)
    for source in sources:
        if isinstance(source, bool) or not isinstance(source, int | str) or source == "":
            raise ValueError(
                f"a source must be a number, a color in quotes or the name of a label; received {source!r}"
            )
        if isinstance(source, int) and source < 0:
            raise ValueError(f"a source must be a number from 0; received {source}")
    return tuple(dict.fromkeys(sources))


def as_hex(color: Any) -> Any:
    """A color as #rrggbb in lower case; anything else as it is."""
    if (
        isinstance(color, list | tuple)
        and len(color) == 3
        and all(isinstance(c, int) and 0 <= c <= 255 for c in color)
    ):
        return "#{:02x}{:02x}{:02x}".format(*color)
    if isinstance(color, str):
        text = unicodedata.normalize("NFC", color).strip()
        return text.lower() if is_color(text.lower()) else text
    return color


def is_color(source: Source) -> bool:
    """Whether a source is a color, #rrggbb in lower case."""
    return isinstance(source, str) and HEX_COLOR.fullmatch(source) is not None
