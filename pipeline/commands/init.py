"""`init`: a config for a folder of photos and masks."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import PROGRAM, Sample, example

app = typer.Typer()


@app.command(epilog=example("init --data runs/sample --output configs/mine.yaml"))
def init(
    data: Annotated[str, typer.Option("--data", help="Folder, s3:// or gs:// URL to read.", metavar="DIR")],
    output: Annotated[Path, typer.Option("--output", help="Config to write.", metavar="FILE")],
    sample: Sample = None,
    write_splits: Annotated[
        bool,
        typer.Option(
            "--write-splits",
            help="Write lists of names into splits/ of the data folder, balanced by class and size. They "
            "rule from then on.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the config if it exists.")] = False,
) -> None:
    """Write a config for a folder of photos and masks, with comments, and print the command that runs it.

    Exit status: 0 written; 2 there is no data that can be read, or the config exists.
    """
    from pipeline.inspection.init import write_config

    for line in write_config(PROGRAM, data, output, sample, write_splits=write_splits, force=force):
        typer.echo(line)
    typer.echo(f"next     {PROGRAM} run --config {shlex.quote(str(output))}")
