"""`clean`: removes artifacts that nothing needs any more."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import AsJson, example

app = typer.Typer()


@app.command(epilog=example("clean --output runs/demo --keep 2 --dry-run"))
def clean(
    output: Annotated[Path, typer.Option(help="Output folder of the runs.", metavar="DIR")],
    keep: Annotated[
        int,
        typer.Option(min=1, help="Newest runs with a report whose artifacts stay.", metavar="N"),
    ] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove artifacts that no kept run, no model in production and no unfinished training needs.

    Pushed versions, reports, logs and checkpoints stay. A later run makes again what it needs of the rest.
    """
    from pipeline.cleaning.clean import clean_output
    from pipeline.cleaning.table import cleaning_json, cleaning_table
    from pipeline.commands.terminal import show_json, show_table

    cleaning = clean_output(output, keep, dry_run=dry_run)
    if as_json:
        show_json(cleaning_json(cleaning, dry_run=dry_run))
    else:
        show_table(cleaning_table(output, cleaning, dry_run=dry_run))
