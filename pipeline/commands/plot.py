"""`plot`: a picture of the network."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Config, Overrides, example

app = typer.Typer()


@app.command(epilog=example("plot --config configs/demo.yaml --output runs/network.png"))
def plot(
    output: Annotated[Path, typer.Option(help="A .png, .svg or .pdf file.", metavar="FILE")],
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Draw the network: layers, shapes, parameters and skip connections."""
    from pipeline.runs.run_log import discard_output
    from pipeline.settings import load_settings

    training = load_settings(config, override or []).training
    with discard_output():
        from pipeline.network_plot import plot as plot_network

        plot_network(training, output)
    typer.echo(f"network in {output}")
