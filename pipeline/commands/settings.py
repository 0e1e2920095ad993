"""`settings`: all settings with their values."""

import typer

from pipeline.commands.options import Config, Overrides, example

app = typer.Typer()


@app.command(epilog=example("settings --config configs/demo.yaml"))
def settings(config: Config = None, override: Overrides = None) -> None:
    """List all settings with their values and descriptions."""
    from pipeline.settings import describe_settings, load_settings

    typer.echo(describe_settings(load_settings(config, override or [])))
