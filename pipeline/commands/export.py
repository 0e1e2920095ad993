"""`export`: files for other runtimes, after the fact."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import AsJson, PushedModel, example
from trainer.export.formats import REGISTRY

app = typer.Typer()

REFUSED_STATUS = 3


@app.command(epilog=example("export --model runs/demo/serving_model --format onnx --output runs/onnx"))
def export(
    model: PushedModel,
    formats: Annotated[
        list[str],
        typer.Option("--format", help=f"{', '.join(REGISTRY)}. Can be repeated.", metavar="FORMAT"),
    ],
    output: Annotated[
        Path, typer.Option(help="Folder for the files, their scripts and exports.json.", metavar="DIR")
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="Photos and masks to evaluate on. [default: test examples of the run that pushed the model]",
            metavar="DIR",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export a pushed model to ONNX or LiteRT, and evaluate each file beside it.

    A file that loses too much mean IoU, over all examples or on one slice, is refused: it is not written, and
    the exit status is 3.
    """
    from petseg.evaluation.exports import REFUSED
    from pipeline.exporting.export import export as export_model

    exports = export_model(model, formats, output, data, show_progress=not as_json)
    if as_json:
        typer.echo(json.dumps(exports, indent=1))
    else:
        for name, entry in exports.items():
            typer.echo(f"{name}: {entry['verdict']}: {entry['reason']}")
        typer.echo(f"files and exports.json in {output}")
    raise typer.Exit(REFUSED_STATUS if any(entry["verdict"] == REFUSED for entry in exports.values()) else 0)
