"""`sample-data`: a drawn data set to try the pipeline on."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("sample-data --output runs/sample --pairs 200"))
def sample_data(
    output: Annotated[Path, typer.Option(help="Folder to create.", metavar="DIR")],
    pairs: Annotated[int, typer.Option(min=1, help="Number of photos with masks.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the drawings.")] = 0,
) -> None:
    """Draw a sample data set of cats and dogs in the layout of the Oxford-IIIT Pet data set."""
    from pipeline.sample_data import write_sample

    write_sample(output, pairs, seed)
    typer.echo(f"{pairs} pairs in {output}")
