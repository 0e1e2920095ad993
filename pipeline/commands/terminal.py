"""Prints results to the terminal."""

import json
import sys
from typing import Any

from rich.console import Console, RenderableType

WIDTH_OF_A_FILE = 180
"""Columns where stdout is not a terminal, so that tables in files and pipes are not folded to 80."""


def show_table(table: RenderableType) -> None:
    """Prints a table, at full width where no window limits it."""
    width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    Console(width=width, highlight=False, emoji=False).print(table)


def show_json(content: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Prints JSON for programs."""
    print(json.dumps(content, indent=2))
