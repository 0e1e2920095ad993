"""`app`: a web page that segments photos."""

from typing import Annotated

import typer

from pipeline.commands.options import PushedModel, example

app = typer.Typer()


@app.command("app", epilog=example("app --model runs/demo/serving_model"))
def serve_app(
    model: PushedModel,
    host: Annotated[
        str, typer.Option(help="Address to listen on. 0.0.0.0 accepts the whole network.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="[default: first free port from 7860]", metavar="N"),
    ] = None,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="Largest accepted file.", metavar="MB")] = 20,
) -> None:
    """Serve a web page that segments photos and shows overlay, class shares and latency.

    Needs Gradio, which `make setup` installs. Photos stay on this machine.
    """
    from pipeline.prediction.app import AppOptions, serve

    serve(model, AppOptions(host, port, max_upload_mb))
