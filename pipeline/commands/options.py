"""What several commands share: options, and the examples under `--help`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from pipeline.runners.registry import RUNNERS, cluster_names

PROGRAM = "petseg" if Path(sys.argv[0]).name == "petseg" else "python pipeline_runner.py"
"""The command line as it was called: installed, or from a checkout."""

Config = Annotated[Path | None, typer.Option("--config", help="YAML file of the experiment.", metavar="FILE")]
Data = Annotated[str | None, typer.Option("--data", help="Short for data.path.", metavar="DIR")]
Output = Annotated[
    str | None, typer.Option("--output", help="Short for output. [default: runs/CONFIG]", metavar="DIR")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Overrides one setting; may be repeated.", metavar="KEY=VALUE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
PushedModel = Annotated[
    Path, typer.Option(help="A pushed version, or the folder of versions.", metavar="DIR")
]

if TYPE_CHECKING:
    RunnerName: TypeAlias = str
    ClusterName: TypeAlias = str
else:
    RunnerName, ClusterName = Literal[tuple(RUNNERS)], Literal[cluster_names()]
Target = Annotated[RunnerName, typer.Option("--target", help="This machine, or the cluster that keeps it.")]
ClusterTarget = Annotated[ClusterName, typer.Option("--target", help="The cluster.")]


def example(arguments: str) -> str:
    """The last line under `--help`: a command that works when pasted."""
    return f"Example: `{PROGRAM} {arguments}`"


def with_shorts(override: list[str] | None, data: str | None, output: str | None) -> list[str]:
    """The overrides, and what --data and --output are short for."""
    shorts = {"data.path": data, "output": output}
    return [
        *(override or []),
        *(f"{key}={json.dumps(value)}" for key, value in shorts.items() if value is not None),
    ]
