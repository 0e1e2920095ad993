"""A cleaning for people and for programs."""

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.cleaning.plan import Cleaning


def cleaning_table(output: Path, cleaning: Cleaning, *, dry_run: bool) -> Table:
    """The removed folders by output of a node, with their sizes, and the runs whose artifacts stay."""
    groups: dict[str, list[int]] = {}
    for folder in cleaning.removed:
        groups.setdefault("/".join(folder.path.parts[-3:-1]), []).append(folder.bytes)
    freed = _size(cleaning.freed_bytes)
    done = "would be freed" if dry_run else "freed"
    kept = [f"kept {run}: {reason}" for run, reason in cleaning.kept_runs.items()]
    table = Table(
        title=Text(f"{'Would be removed' if dry_run else 'Removed'} from {output}"),
        caption=Text("\n".join([f"{freed} {done}, {_size(cleaning.kept_bytes)} of artifacts stay", *kept])),
        title_justify="left",
        caption_justify="left",
        pad_edge=False,
        box=None,
    )
    table.add_column("output of a node")
    table.add_column("folders", justify="right")
    table.add_column("size", justify="right")
    for name, sizes in sorted(groups.items(), key=lambda group: -sum(group[1])):
        table.add_row(name, str(len(sizes)), _size(sum(sizes)))
    return table


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
