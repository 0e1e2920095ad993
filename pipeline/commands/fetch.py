"""`fetch`: downloads the Oxford-IIIT Pet data set."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("fetch --output oxford_pets"))
def fetch(
    output: Annotated[Path, typer.Option(help="Folder for images/ and annotations/.", metavar="DIR")],
) -> None:
    """Download the Oxford-IIIT Pet data set (800 MB), or resume an interrupted download."""
    from pipeline.download.pets import fetch as fetch_archives

    fetch_archives(output)
    typer.echo(f"Oxford-IIIT Pet in {output}")
