"""A cleaning for people and for programs."""

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.cleaning.plan import Cleaning


def cleaning_table(output: Path, cleaning: Cleaning, *, dry_run: bool) -> RenderableType:
    """The removed folders by output of a node, with their sizes, and the runs whose artifacts stay."""
    groups: dict[str, list[int]] = {}
    for folder in cleaning.removed:
        groups.setdefault("/".join(folder.path.parts[-3:-1]), []).append(folder.bytes)
    table = Table(pad_edge=False, box=None)
    table.add_column("output of a node")
    table.add_column("folders", justify="right")
    table.add_column("size", justify="right")
    for name, sizes in sorted(groups.items(), key=lambda group: -sum(group[1])):
        table.add_row(name, str(len(sizes)), _size(sum(sizes)))
    done = "would be removed" if dry_run else "removed"
    lines = [
        f"{_size(cleaning.freed_bytes)} {done} from {output}; artifacts of {_size(cleaning.kept_bytes)} stay",
        *(f"kept {run}: {reason}" for run, reason in cleaning.kept_runs.items()),
    ]
    return Group(*([table] if groups else []), *map(Text, lines))


def cleaning_json(cleaning: Cleaning, *, dry_run: bool) -> dict[str, Any]:
    """The same, folder by folder."""
    return {
        "dry_run": dry_run,
        "freed_bytes": cleaning.freed_bytes,
        "kept_bytes": cleaning.kept_bytes,
        "removed": [{"path": str(folder.path), "bytes": folder.bytes} for folder in cleaning.removed],
        "kept_runs": cleaning.kept_runs,
    }


def _size(count: int) -> str:
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
