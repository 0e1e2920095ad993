"""`rollback`: puts an older model back into production."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("rollback --output runs/demo"))
def rollback(
    output: Annotated[Path, typer.Option(help="Output folder of the runs.", metavar="DIR")],
    version: Annotated[
        str | None,
        typer.Option(
            help="Version to publish again, even a withdrawn one. [default: the newest version with another "
            "model that is not withdrawn]",
            metavar="N",
        ),
    ] = None,
) -> None:
    """Put an older model back into production, under a new version number.

    The replaced model is withdrawn: `run` does not push it again unless `push.allow_withdrawn` is set.
    """
    from petseg.versions import rollback as publish_older
    from pipeline.runs.run_folder import newest_push_directory

    directory = newest_push_directory(output)
    typer.echo(f"{directory}/{publish_older(directory, version)}")
