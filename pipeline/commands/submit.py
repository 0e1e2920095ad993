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
        Path | None, typer.Option(help="What `compile` wrote. [default: compiled now]", metavar="FILE")
    ] = None,
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Start a run of the pipeline on a cluster, and say where it can be watched.

    Address and project are settings of `runner.kubeflow` and `runner.vertex`; credentials are not: Kubeflow's
    token is in the file that KF_PIPELINES_SA_TOKEN_PATH names, Google's are its application default ones.
    """
    from pipeline.runners.submit_pipeline import submit_pipeline
    from pipeline.settings import load_settings

    typer.echo(submit_pipeline(load_settings(config, override or []), target, file))
