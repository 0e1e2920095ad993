"""`app`: a page on this machine to drop photos on."""

from typing import Annotated

import typer

from pipeline.commands.options import PushedModel, example

app = typer.Typer()


@app.command("app", epilog=example("app --model runs/demo/serving_model"))
def serve_app(
    model: PushedModel,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets the whole network in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="[default: the first free one from 7860]", metavar="N"),
    ] = None,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="Larger files are refused.", metavar="MB")] = 20,
) -> None:
    """Serve a page on this machine to drop photos on: overlay, class shares, latency.

    Needs Gradio: `pip install 'petseg[app]'`. Nothing leaves the machine.
    """
    from pipeline.prediction.app import AppOptions, serve

    serve(model, AppOptions(host, port, max_upload_mb))
