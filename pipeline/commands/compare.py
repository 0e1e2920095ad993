"""`compare`: runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("compare runs/demo runs/demo_wide --output compare.html"))
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="DIR/runs/RUN_ID, or DIR for its newest run; folder of a pushed model; exported file.",
            metavar="RUN...",
        ),
    ],
    output: Annotated[Path, typer.Option(help="HTML page to write.", metavar="FILE")] = Path("compare.html"),
    data: Annotated[
        str | None,
        typer.Option(
            help="Photos and masks to evaluate all of them on. [default: what the runs evaluated]",
            metavar="DIR",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the bootstrap.")] = 0,
) -> None:
    """Compare runs, pushed models and exported files on the photos that all of them evaluated.

    The first is the reference. An exported file is evaluated on the test examples of its model's run.

    Shows metrics with a paired bootstrap over photos, the settings that differ, and the slices and photos
    that changed most.
    """
    from pipeline.commands.terminal import show_table
    from pipeline.runs.comparison_page import compare as compare_runs

    show_table(compare_runs(runs, output, seed, data))
