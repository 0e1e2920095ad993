"""`predict`: masks for photos."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.commands.options import Config, example

app = typer.Typer()


class MaskFormat(str, Enum):
    """A format of annotations. Typer takes a list of these, but no list of a Literal."""

    coco = "coco"
    labelme = "labelme"
    rle = "rle"
    polygons = "polygons"


@app.command(
    epilog=example(
        "predict --model runs/demo/serving_model --images runs/sample/images --output runs/predictions"
    )
)
def predict(
    model: Annotated[
        str,
        typer.Option(
            help="A pushed version, or the folder of all versions for the newest; also s3:// and gs://.",
            metavar="DIR",
        ),
    ],
    images: Annotated[
        list[str],
        typer.Option(
            help="Photo, or folder of photos and subfolders, local or s3:// and gs://. Can be repeated.",
            metavar="PATH",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            help="Folder for masks, overlays and shares.csv; with --engine beam also s3:// or gs://.",
            metavar="DIR",
        ),
    ],
    formats: Annotated[
        list[MaskFormat] | None,
        typer.Option("--format", help="Write the masks in this format, too, beside PNG. Can be repeated."),
    ] = None,
    overlays: Annotated[
        bool, typer.Option(help="Write each photo with its mask drawn over it, which takes half of the time.")
    ] = True,
    engine: Annotated[
        Literal["local", "beam"],
        typer.Option(
            help="local: this process; beam: the engine of --config, which writes shards and resumes."
        ),
    ] = "local",
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
) -> None:
    """Segment photos with a pushed model.

    Photos that cannot be read are named, and the exit status is 1. Hidden files of a folder and files without
    a photo's ending are skipped and counted.
    """
    from petseg.errors import UserError
    from pipeline.commands.terminal import show_json

    if engine == "beam":
        from pipeline.beam_checks.explain import EngineError
        from pipeline.prediction.beam import predict_with_beam

        if formats:
            raise UserError("--format needs --engine local; beam writes masks as PNG only")
        try:
            predicted = predict_with_beam(model, images, output, config)
        except EngineError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
    else:
        from pipeline.prediction.predict import Outputs
        from pipeline.prediction.predict import predict as predict_photos

        if config is not None:
            raise UserError("--config needs --engine beam: it names the engine")
        predicted = predict_photos(
            model, images, Path(output), Outputs(overlays, tuple(one.value for one in formats or ()))
        )
    for line in predicted.unreadable:
        typer.echo(f"error: {line}", err=True)
    if as_json:
        show_json(predicted.to_json())
    else:
        if predicted.skipped:
            typer.echo(f"files that are not photos, skipped: {predicted.skipped}")
            kinds = (f"{count} {kind}" for kind, count in predicted.found.left_out.items())
            typer.echo(f"  {', '.join(kinds)}")
        typer.echo(f"masks, {'overlays ' if overlays else ''}and class shares in {output}")
    raise typer.Exit(1 if predicted.unreadable else 0)
