"""Progress of an export in a terminal."""

from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from components.exporter.progress import Item
from components.exporter.progress import Progress as ExportProgress


class ShownProgress(ExportProgress):
    """A bar for what is done now; nothing where the stream is no terminal."""

    def __init__(self, terminal: TextIO):
        self._console = Console(file=terminal)

    def track(self, items: Iterable[Item], what: str) -> Iterator[Item]:
        """See the base class; the number of raw examples is not known before they are read."""
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        hidden = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=hidden) as progress:
            yield from progress.track(items, description=what)
