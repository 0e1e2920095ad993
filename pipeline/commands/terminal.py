"""How tables come to the terminal."""

import sys

from rich.console import Console

WIDTH_OF_A_FILE = 180
"""Columns where stdout is no terminal, so that tables in files and pipes are not folded to 80."""


def table_console() -> Console:
    """Console on stdout, wide where nobody's window limits it."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE, highlight=False, emoji=False)
