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

    Photos that cannot be read are named, and the exit status is 1. Hidden files of a folder and files without
    a photo's ending are skipped and counted.
    """
    from pipeline.prediction.predict import predict as predict_photos

    predicted = predict_photos(model, images, output)
    for line in predicted.unreadable:
        typer.echo(f"error: {line}", err=True)
    if predicted.skipped:
        typer.echo(f"files that are not photos, skipped: {predicted.skipped}")
    typer.echo(f"masks, overlays and class shares in {output}")
    raise typer.Exit(1 if predicted.unreadable else 0)
