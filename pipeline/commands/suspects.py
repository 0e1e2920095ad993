"""`suspects`: examples whose labels may be wrong."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.commands.options import AsJson, example

app = typer.Typer()


class Split(str, Enum):
    """A split of the examples."""

    TRAIN = "train"
    EVAL = "eval"
    TEST = "test"


@app.command(epilog=example("suspects --output runs/demo --split train --split eval"))
def suspects(
    output: Annotated[Path, typer.Option(help="Output folder of the runs.", metavar="DIR")],
    run: Annotated[
        str | None,
        typer.Option(
            help="Run whose model looks at the examples. [default: the newest evaluated one]", metavar="ID"
        ),
    ] = None,
    split: Annotated[
        list[Split] | None,
        typer.Option(help="Split to look at. Can be repeated. [default: the split that the run evaluated]"),
    ] = None,
    number: Annotated[
        int, typer.Option(min=1, help="How many examples are on the page and exported.", metavar="N")
    ] = 50,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder for suspects.html, suspects.csv and coco/. [default: suspects/ in the run's folder]",
            metavar="DIR",
        ),
    ] = None,
    export: Annotated[
        Literal["coco"] | None,
        typer.Option(
            help="Write photos and the model's proposals into coco/, for a labeling tool. What it exports as "
            "COCO can be read as a span."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank examples by how confidently a run's model disagrees with their labels.

    Writes a page with pictures and a CSV of all examples. Those that the run evaluated are ranked by its
    evaluation; the model evaluates the others now.

    Exit status: 0 done; 1 some examples could not be evaluated; 2 there is no such run, model or example.
    """
    from pipeline.commands.terminal import show_json, show_table
    from pipeline.suspects.suspects import SuspectsOptions, find_suspects
    from pipeline.suspects.terminal import terminal_view

    splits = [one.value for one in split or ()]
    options = SuspectsOptions(run, splits, number, folder, export_coco=export == "coco")
    found = find_suspects(output, options)
    for one in found.unknown:
        typer.echo(f"error: {one.split} example {one.name}: {one.reason}", err=True)
    if as_json:
        show_json(found.to_dict())
    else:
        show_table(terminal_view(found))
    raise typer.Exit(1 if found.unknown else 0)
