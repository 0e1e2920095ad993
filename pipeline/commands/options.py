"""Options that several commands share."""

import json
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", help="YAML file of the experiment.", metavar="FILE")]
Data = Annotated[str | None, typer.Option("--data", help="Short for data.path.", metavar="DIR")]
Output = Annotated[
    str | None, typer.Option("--output", help="Short for output. [default: runs/CONFIG]", metavar="DIR")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Overrides one setting; may be repeated.", metavar="KEY=VALUE"),
]


def with_shorts(override: list[str] | None, data: str | None, output: str | None) -> list[str]:
    """The overrides, and what --data and --output are short for."""
    shorts = {"data.path": data, "output": output}
    return [
        *(override or []),
        *(f"{key}={json.dumps(value)}" for key, value in shorts.items() if value is not None),
    ]
