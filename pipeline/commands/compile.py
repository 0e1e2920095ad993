"""`compile`: compiles the pipeline for a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import ClusterTarget, Config, Overrides, example

app = typer.Typer()


@app.command(
    "compile",
    epilog=example(
        "compile --target kubeflow --config configs/demo.yaml --output runs/demo_kubeflow.yaml "
        "--set data.path=/petseg/data --set runner.kubeflow.volume_claim=petseg "
        "--set runner.image=petseg:cpu"
    ),
)
def compile_(
    target: ClusterTarget,
    output: Annotated[Path, typer.Option(help="File to write.", metavar="FILE")],
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Compile the pipeline for a cluster: to YAML for Kubeflow, to JSON for Vertex."""
    from pipeline.runners.compile_pipeline import compile_pipeline, compile_warnings
    from pipeline.settings import load_settings

    settings = load_settings(config, override or [])
    compile_pipeline(settings, target, output)
    for warning in compile_warnings(settings, target):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"pipeline for {target} in {output}")
