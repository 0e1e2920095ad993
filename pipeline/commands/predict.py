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
    images: Annotated[
        list[Path], typer.Option(help="Photo or folder of photos. Can be repeated.", metavar="PATH")
    ],
    output: Annotated[Path, typer.Option(help="Folder for masks, overlays and shares.csv.", metavar="DIR")],
) -> None:
    """Segment photos with a pushed model.

    Files that are not photos are named and skipped, and the exit status is 1.
    """
    from pipeline.prediction.predict import predict as predict_photos

    unreadable = predict_photos(model, images, output)
    for line in unreadable:
        typer.echo(f"error: {line}", err=True)
    typer.echo(f"masks, overlays and class shares in {output}")
    raise typer.Exit(1 if unreadable else 0)
