"""What `inspect` prints."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

NAMED = 10
MOST_ROWS = 40


def terminal_view(summary: dict[str, Any]) -> RenderableType:
    """The summary as a person reads it."""
    parts: list[RenderableType] = [_facts(summary)]
    if summary["values"]:
        parts += [Text(), _values(summary)]
    findings = summary["findings"]
    if findings:
        parts += [Text(), Text("Findings", style="bold")]
        parts += [line for finding in findings for line in _finding(finding)]
    parts += [Text(), Text("A run", style="bold")]
    parts += [_item(f"stops: {text}", "bold red") for text in summary["run"]["stops"]]
    parts += [_item(text) for text in summary["run"]["does"]]
    if summary["remarks"]:
        parts += [Text(), Text("Remarks", style="bold"), *(_item(text) for text in summary["remarks"])]
    return Group(*parts)


def _facts(summary: dict[str, Any]) -> Table:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    known = f" (data.format: {summary['format']})" if summary["format"] else ""
    facts = {"data": summary["data"], "layout": f"{summary['title']}{known}"}
    for index, ground in enumerate(summary["grounds"]):
        facts["because" if index == 0 else " " * index] = ground
    for key in ("photos", "masks"):
        if key in summary["settings"]:
            facts[f"data.{key}"] = summary["settings"][key]
    facts["files"] = f"{summary['files']:,}, {summary['images']:,} of them images"
    if summary["pairs"] is not None:
        facts["pairs"] = _pairs(summary)
    if summary["photos"]:
        facts["photos"] = photo_facts(summary["photos"])
    if summary["masks"]:
        facts["masks"] = mask_facts(summary["masks"])
    if summary["splits"]:
        facts["splits"] = ", ".join(f"{count:,} {split}" for split, count in summary["splits"].items())
    if summary["label_map"]:
        facts["names from"] = summary["label_map"]
    for name, value in facts.items():
        rows.add_row(name, Text(printable(value)))
    return rows


def _pairs(summary: dict[str, Any]) -> str:
    if not summary["is_sample"]:
        return f"{summary['pairs']:,}, all opened"
    return f"{summary['pairs']:,}; {summary['opened']:,} drawn at random were opened, --sample N opens more"


def photo_facts(photos: dict[str, Any]) -> str:
    """Formats, channels, depths and sizes of photos."""
    width, height = photos["width"], photos["height"]
    size = (
        f"{width['min']} x {height['min']}"
        if len(photos["sizes"]) == 1
        else f"{width['min']} to {width['max']} x {height['min']} to {height['max']},"
        f" median {width['median']} x {height['median']}"
    )
    turned = f"; {photos['exif_turned']:,} turned by EXIF" if photos["exif_turned"] else ""
    kinds = (_counts(photos["formats"]), _counts(photos["modes"]), _bits(photos["bits"]))
    return f"{'; '.join(kinds)}; {size} pixels{turned}"


def mask_facts(masks: dict[str, Any]) -> str:
    """Formats, kinds and depths of masks."""
    parts = (
        _counts(masks["formats"]),
        _counts(masks["kinds"]),
        _bits(masks["bits"]) if masks["formats"] else "",
    )
    return "; ".join(part for part in parts if part)


def _counts(counts: dict[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _bits(counts: dict[str, int]) -> str:
    return ", ".join(f"{bits} bit{'s' * (bits != '1')}" for bits in counts)


def _values(summary: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    is_color = isinstance(summary["values"][0]["value"], str)
    table.add_column("color" if is_color else "value", justify="left" if is_color else "right")
    table.add_column("name")
    table.add_column("pixels", justify="right")
    table.add_column("masks", justify="right")
    for value in summary["values"][:MOST_ROWS]:
        named = Text(printable(value["name"] or ""))
        table.add_row(str(value["value"]), named, f"{value['share']:.2%}", f"{value['masks']:,}")
    rest = len(summary["values"]) - MOST_ROWS
    if rest > 0:
        table.add_row("", f"and {rest} more: --json has all", "", "")
    return table


def _finding(finding: dict[str, Any]) -> list[Text]:
    lines = [_item(finding["text"], "bold red" if finding["serious"] else "")]
    lines += [Text(f"    {printable(file)}") for file in finding["files"][:NAMED]]
    if len(finding["files"]) > NAMED:
        lines.append(Text(f"    and {len(finding['files']) - NAMED} more: --json has all"))
    return lines


def _item(text: str, style: str = "") -> Text:
    return Text(f"  {printable(text)}", style=style)


def printable(text: str) -> str:
    """A text that any terminal takes, also where a file's name is no text."""
    return text.encode("utf-8", "backslashreplace").decode()
