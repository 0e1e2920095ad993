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
    from petseg.versions import list_versions, production_version, version_digest, withdrawal
    from petseg.versions import rollback as publish_older
    from pipeline.runs.run_folder import newest_push_directory

    directory = newest_push_directory(output)
    replaced = production_version(directory)
    digests = {str(each): version_digest(directory, str(each)) for each in list_versions(directory)}
    new = publish_older(directory, version)
    typer.echo(f"{directory}/{new}")
    restored = version_digest(directory, new)
    source = version or max((each for each in digests if digests[each] == restored), key=int)
    withdrawn = ", which is withdrawn" if withdrawal(directory, digests[replaced]) is not None else ""
    typer.echo(f"the model of version {source} replaces that of version {replaced}{withdrawn}", err=True)
