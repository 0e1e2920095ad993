"""What several commands share: options, and the examples under `--help`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from pipeline.runners.registry import RUNNERS, cluster_names

PROGRAM = "petseg" if Path(sys.argv[0]).name == "petseg" else "python pipeline_runner.py"
"""How the command line was called: installed, or from a checkout."""

Config = Annotated[Path | None, typer.Option("--config", help="YAML file with the settings.", metavar="FILE")]
Data = Annotated[
    str | None, typer.Option("--data", help="Data folder, short for `--set data.path=DIR`.", metavar="DIR")
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", help="Output folder, short for `--set output=DIR`. [default: runs/CONFIG]", metavar="DIR"
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one setting. Can be repeated.", metavar="KEY=VALUE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
PushedModel = Annotated[
    Path, typer.Option(help="A pushed version, or the folder of all versions for the newest.", metavar="DIR")
]

if TYPE_CHECKING:
    RunnerName: TypeAlias = str
    ClusterName: TypeAlias = str
else:
    RunnerName, ClusterName = Literal[tuple(RUNNERS)], Literal[cluster_names()]
Target = Annotated[RunnerName, typer.Option("--target", help="This machine or a cluster.")]
ClusterTarget = Annotated[ClusterName, typer.Option("--target", help="Cluster to use.")]


def example(arguments: str) -> str:
    """Last line under `--help`: a command that works when pasted."""
    return f"Example: `{PROGRAM} {arguments}`"


def with_shorts(override: list[str] | None, data: str | None, output: str | None) -> list[str]:
    """Adds the settings that --data and --output set to the overrides."""
    shorts = {"data.path": data, "output": output}
    return [
        *(override or []),
        *(f"{key}={json.dumps(value)}" for key, value in shorts.items() if value is not None),
    ]
