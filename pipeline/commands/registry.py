"""All commands in the order of `--help`: one line each, for a module with a Typer app."""

import importlib

import typer

from pipeline.commands.options import Commands

COMMANDS = (
    "run",
    "sample_data",
    "inspect",
    "init",
    "fetch",
    "predict",
    "app",
    "runs",
    "compare",
    "suspects",
    "rollback",
    "clean",
    "export",
    "check_beam",
    "compile",
    "submit",
    "schedule",
    "plot",
    "settings",
)


def command_line() -> typer.Typer:
    """Builds the command line from the registered commands."""
    command_line = typer.Typer(
        cls=Commands,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        help="Train, evaluate and publish image segmentation models.",
    )
    for name in COMMANDS:
        command_line.add_typer(importlib.import_module(f"pipeline.commands.{name}").app)
    return command_line
