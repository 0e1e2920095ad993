"""`inspect`: what a folder of photos and masks holds."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import PROGRAM, AsJson, Sample, example

app = typer.Typer()


@app.command(epilog=example("inspect --data runs/sample"))
def inspect(
    data: Annotated[
        str, typer.Option("--data", help="Folder, s3:// or gs:// URL to look at.", metavar="DIR")
    ],
    sample: Sample = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with pictures to this HTML file.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is in a folder: layout, pairs, sizes, mask values, what is broken, and what a run would do.

    Nothing is changed, and TensorFlow is not needed. Exit status: 0 looked at, whatever was found; 2 there is
    no such folder.
    """
    from pipeline.commands.terminal import show_json, show_table
    from pipeline.inspection.look import look
    from pipeline.inspection.summary import summarize
    from pipeline.inspection.terminal import terminal_view

    found = look(data, sample)
    summary = summarize(found)
    if report:
        from pipeline.inspection.page import write_page

        write_page(found, summary, report)
    if as_json:
        show_json(summary)
        return
    show_table(terminal_view(summary))
    if report:
        typer.echo(f"\npage     {report}")
    if found.recognized:
        typer.echo(f"\nnext     {PROGRAM} init --data {shlex.quote(data)} --output configs/mine.yaml")
