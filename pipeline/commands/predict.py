"""`predict`: masks for photos."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import PushedModel, example

app = typer.Typer()


@app.command(
    epilog=example(
        "predict --model runs/demo/serving_model --images runs/sample/images --output runs/predictions"
    )
)
def predict(
    model: PushedModel,
    images: Annotated[list[Path], typer.Option(help="A photo or a folder; may be repeated.", metavar="PATH")],
    output: Annotated[Path, typer.Option(help="Folder for masks, overlays and shares.csv.", metavar="DIR")],
) -> None:
    """Segment photos with a pushed model.

    A file that is no photo is named and skipped; the exit status is then 1.
    """
    from pipeline.prediction.predict import predict as predict_photos

    unreadable = predict_photos(model, images, output)
    for line in unreadable:
        typer.echo(f"error: {line}", err=True)
    typer.echo(f"masks, overlays and class shares in {output}")
    raise typer.Exit(1 if unreadable else 0)
