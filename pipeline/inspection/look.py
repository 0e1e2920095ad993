"""Looks at a data set and shows the progress in a terminal."""

import os
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from components.example_gen.looks.survey import Survey, survey
from pipeline.runs.run_log import QUIET_ENVIRONMENT


def look(data: str, most: int | None = None) -> Survey:
    """Looks at a folder; progress is on stderr, and only in a terminal.

    Args:
        data: The folder or URL.
        most: How many pairs to open at most; None: a sample of a large data set.

    Raises:
        UserError: There is no such folder, or the store cannot be used.
    """
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        files = progress.add_task("listing files", total=None)
        pairs = progress.add_task("opening pairs", total=None, visible=False)

        def on_file(found: int) -> None:
            if found % 1000 == 0:
                progress.update(files, completed=found)

        def on_pair(done: int, all_of_them: int) -> None:
            progress.update(pairs, completed=done, total=all_of_them, visible=True)

        return survey(data, most, on_file, on_pair)
