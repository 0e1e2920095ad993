"""What several commands share: options, the examples under `--help`, and suggestions for a wrong name."""

import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from typer.core import TyperGroup

from petseg.errors import UserError
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
Sample = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of pairs to open at most, drawn at random. [default: 1000, fewer of large photos]",
    ),
]


class Commands(TyperGroup):
    """Commands whose unknown name gets a suggestion, as that of a setting does."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names.

        Raises:
            UserError: There is no such command.
        """
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(known)}"
            raise UserError(f"{name}: there is no such command; {hint}")
        return super().resolve_command(ctx, args)


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
