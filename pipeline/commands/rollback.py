"""`rollback`: an older model goes back to production."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("rollback --output runs/demo --version 1767225600"))
def rollback(
    output: Annotated[Path, typer.Option(help="Output folder of the runs.", metavar="DIR")],
    version: Annotated[
        str | None,
        typer.Option(
            help="Version to bring back, also a withdrawn one. [default: the newest other model that is not "
            "withdrawn]",
            metavar="N",
        ),
    ] = None,
) -> None:
    """Bring an older model back to production, under a new version number.

    The model that it replaces is withdrawn: `run` refuses to push it unless `push.allow_withdrawn` is set.
    """
    from petseg.versions import rollback as bring_back
    from pipeline.runs.run_folder import newest_push_directory

    directory = newest_push_directory(output)
    typer.echo(f"{directory}/{bring_back(directory, version)}")
