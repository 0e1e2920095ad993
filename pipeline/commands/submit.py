"""`submit`: starts a run on a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import ClusterTarget, Config, Overrides, example

app = typer.Typer()


@app.command(
    epilog=example(
        "submit --target kubeflow --file runs/demo_kubeflow.yaml "
        "--set runner.kubeflow.host=http://localhost:8888"
    )
)
def submit(
    target: ClusterTarget,
    file: Annotated[
        Path | None, typer.Option(help="File that `compile` wrote. [default: compile now]", metavar="FILE")
    ] = None,
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Start a run of the pipeline on a cluster and print the URL of its page.

    Set the address or project in `runner.kubeflow` or `runner.vertex`. Credentials are not settings: for
    Kubeflow, the environment variable KF_PIPELINES_SA_TOKEN_PATH names the file with the token; for Vertex,
    Google's application default credentials are used.
    """
    from pipeline.runners.submit_pipeline import submit_pipeline
    from pipeline.settings import load_settings

    typer.echo(submit_pipeline(load_settings(config, override or []), target, file))
