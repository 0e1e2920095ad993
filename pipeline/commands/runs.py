"""`runs`: all runs of an output folder."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import AsJson, example

app = typer.Typer()


@app.command(epilog=example("runs --output runs/demo"))
def runs(
    output: Annotated[
        Path | None,
        typer.Option(help="Output folder of the runs, or a folder of output folders.", metavar="DIR"),
    ] = None,
    metadata: Annotated[
        str | None,
        typer.Option(
            help="Use this metadata.db instead of --output; or env:NAME, the environment variable with the "
            "URL of a database.",
            metavar="STORE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List all runs: time, settings, metrics, verdict, version, and which model is in production."""
    from pipeline.commands.terminal import show_json, show_table
    from pipeline.runs.runs_table import find_runs, runs_json, runs_table

    found = find_runs(output, metadata)
    if as_json:
        show_json(runs_json(found))
    else:
        show_table(runs_table(output or str(metadata), found))
