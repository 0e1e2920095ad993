"""What `suspects` prints."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.suspects.suspects import FoundSuspects

SHOWN = 10


def terminal_view(found: FoundSuspects) -> RenderableType:
    """The most suspicious examples, and where all of them are."""
    known = [one for one in found.suspects if one.quality is not None]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", justify="right")
    table.add_column("example", overflow="fold")
    table.add_column("split")
    table.add_column("label quality", justify="right")
    table.add_column("differs", justify="right")
    table.add_column("most pixels", overflow="fold")
    for index, one in enumerate(known[:SHOWN]):
        most = one.confusions[0] if one.confusions else None
        table.add_row(
            str(index + 1),
            Text(one.name),
            one.split,
            f"{one.quality:.4f}",
            f"{one.disagreeing:.1%}",
            Text(f"labeled {most.labeled}, predicted {most.predicted}" if most else ""),
        )
    lines = [f"run      {found.run.run_id}: {len(known):,} examples, the most suspicious first"]
    files = [f"page     {found.page}", f"table    {found.table}"]
    if found.coco:
        files.append(f"coco     {found.coco}")
    return Group(Text("\n".join(lines)), Text(), table, Text(), Text("\n".join(files)))
