"""`sample-data`: a drawn data set to try the pipeline on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("sample-data --output runs/sample --pairs 200"))
def sample_data(
    output: Annotated[Path, typer.Option(help="Folder to create.", metavar="DIR")],
    pairs: Annotated[int, typer.Option(min=1, help="Number of photos with masks.")],
    kind: Annotated[
        Literal["pets", "cracks"],
        typer.Option(
            help="pets: cats and dogs in the layout of the Oxford-IIIT Pet data set. cracks: photos of "
            "2048 x 1536 pixels of cracked concrete, asphalt and plaster, with structures of a few pixels "
            "and a rare class."
        ),
    ] = "pets",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the drawings.")] = 0,
) -> None:
    """Draw a sample data set: photos and masks of cats and dogs, or of cracked surfaces."""
    from pipeline.sample_data import write_sample

    write_sample(output, pairs, seed, kind)
    typer.echo(f"{pairs} pairs in {output}")
