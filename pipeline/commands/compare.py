"""`compare`: runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import example

app = typer.Typer()


@app.command(epilog=example("compare runs/demo runs/other --output compare.html"))
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="DIR/runs/RUN_ID, or DIR for its newest run.", metavar="RUN...")
    ],
    output: Annotated[Path, typer.Option(help="The page to write.", metavar="FILE")] = Path("compare.html"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Compare runs on the photos that all judged; the first is what the others are held against.

    Figures, a paired bootstrap over photos, settings that differ, slices and photos that moved most.
    """
    from pipeline.commands.terminal import show_table
    from pipeline.runs.comparison_page import compare as compare_runs

    show_table(compare_runs(runs, output, seed))
