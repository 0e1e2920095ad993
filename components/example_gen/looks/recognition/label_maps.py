"""Names of classes, found in the files that labelling tools and data sets put beside their masks."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from components.example_gen.looks.tree import FileTree, ending
from petseg.errors import BrokenFileError

FILE = re.compile(
    r"(^|/)[^/]*(label|class|categor|code|names|color|colour|objectinfo|palette|data|legend|_meta|meta)[^/]*"
    r"\.(txt|csv|json|ya?ml|tsv)$",
    re.IGNORECASE,
)
MAX_BYTES = 1_000_000
MOST_LINES = 4096
COLOR = re.compile(r"#?([0-9a-fA-F]{6})")


@dataclass(frozen=True)
class LabelMap:
    """Names of mask values, or of colors.

    Attributes:
        file: Path of the file below the data set's folder.
        by_value: Name of each mask value.
        by_color: Name of each color, 0xRRGGBB.
    """

    file: str
    by_value: dict[int, str]
    by_color: dict[int, str]

    def name(self, value: int, is_color: bool) -> str | None:
        """The name of a value or color; None if there is none."""
        return (self.by_color if is_color else self.by_value).get(value)


def find_label_maps(tree: FileTree) -> list[LabelMap]:
    """The label maps of a data set, the fullest first."""
    found = []
    for path, size in tree.files.items():
        if size <= MAX_BYTES and FILE.search(path):
            label_map = read_label_map(tree, path)
            if label_map:
                found.append(label_map)
    return sorted(
        found, key=lambda one: (-len(one.by_value) - len(one.by_color), one.file.count("/"), one.file)
    )


def read_label_map(tree: FileTree, path: str) -> LabelMap | None:
    """Reads a file as a label map; None if it is none."""
    try:
        text = tree.read_text(path)
    except BrokenFileError:
        return None
    readers: dict[str, Callable[[str], Iterable[Entry]]] = {
        ".json": _of_json,
        ".yaml": _of_yaml,
        ".yml": _of_yaml,
        ".csv": _of_table,
        ".tsv": _of_table,
    }
    try:
        entries = list(readers.get(ending(path), _of_lines)(text))
    except (ValueError, TypeError, KeyError, csv.Error, yaml.YAMLError):
        return None
    by_value = {value: name for name, value, _ in entries if value is not None}
    by_color = {color: name for name, _, color in entries if color is not None}
    if len(by_value) < 2 and len(by_color) < 2:
        return None
    return LabelMap(path, by_value, by_color)


Entry = tuple[str, int | None, int | None]
"""Name, value and color of a class."""


def _of_json(text: str) -> Iterable[Entry]:
    return _of_tree(json.loads(text))


def _of_yaml(text: str) -> Iterable[Entry]:
    return _of_tree(yaml.safe_load(text))


def _of_tree(content: Any) -> Iterable[Entry]:
    """Entries of {name: value}, {value: name}, a list of names or records, or one of these below a key."""
    if isinstance(content, dict):
        for key in ("categories", "classes", "labels", "names", "items", "label_map", "id2label", "label2id"):
            if isinstance(content.get(key), dict | list):
                return _of_tree(content[key])
        if all(_number(key) is not None and isinstance(name, str) for key, name in content.items()):
            return [(name, _number(key), None) for key, name in content.items()]
        if all(isinstance(value, int) for value in content.values()):
            return [(str(name), value, None) for name, value in content.items()]
        if all(_color(value) is not None for value in content.values()):
            return [(str(name), None, _color(value)) for name, value in content.items()]
        return []
    if not isinstance(content, list) or len(content) > MOST_LINES:
        return []
    if all(isinstance(name, str) for name in content):
        return [(name, index, None) for index, name in enumerate(content)]
    if not all(isinstance(record, dict) for record in content):
        return []
    return [entry for entry in map(_of_record, content) if entry]


def _of_record(record: dict[str, Any]) -> Entry | None:
    low = {str(key).strip().lower(): value for key, value in record.items() if key is not None}
    name = next(
        (low[key] for key in ("name", "label", "class", "title", "readable", "class_name") if key in low),
        None,
    )
    value = next(
        (
            low[key]
            for key in ("pixel value", "id", "value", "index", "class_id", "labelid", "idx")
            if key in low
        ),
        None,
    )
    color = next((low[key] for key in ("color", "colour", "rgb", "hex") if key in low), None)
    if {"r", "g", "b"} <= low.keys():
        color = [low["r"], low["g"], low["b"]]
    if not isinstance(name, str) or not name.strip():
        return None
    return name.strip(), _number(value), _color(color)


def _of_table(text: str) -> Iterable[Entry]:
    lines = text.splitlines()[:MOST_LINES]
    dialect = csv.Sniffer().sniff("\n".join(lines[:20]), ",;\t")
    rows = csv.DictReader(io.StringIO("\n".join(lines)), dialect=dialect, skipinitialspace=True)
    return [entry for entry in map(_of_record, rows) if entry]


def _of_lines(text: str) -> Iterable[Entry]:
    """Entries of lines: `name:r,g,b:parts:actions` of CVAT, `r g b name`, `value name`, or a name."""
    lines = [
        line.strip() for line in text.splitlines()[:MOST_LINES] if line.strip() and not line.startswith("#")
    ]
    if lines and "\t" in lines[0] and lines[0].lower().startswith(("idx", "id\t")):
        return _of_table("\n".join(lines))
    entries: list[Entry] = []
    for index, line in enumerate(lines):
        cvat = re.fullmatch(r"([^:]+):(\d+,\d+,\d+)?:[^:]*:[^:]*", line)
        colored = re.fullmatch(r"(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\D.*)", line)
        numbered = re.fullmatch(r"(\d+)\s*[:,\t ]\s*(\D.*)", line) or re.fullmatch(
            r"(\D.*?)\s*[:,=\t ]\s*(\d+)", line
        )
        if cvat:
            entries.append((cvat[1].strip(), index, _color((cvat[2] or "").split(","))))
        elif colored:
            entries.append((colored[4].strip(), None, _color(colored.groups()[:3])))
        elif numbered:
            value, name = sorted(numbered.groups(), key=lambda part: not part.isdigit())
            entries.append((name.strip(" '\""), int(value), None))
        elif len(line) <= 64 and not re.search(r"[/\\{}<>]|\.(jpe?g|png|tiff?)$", line, re.IGNORECASE):
            entries.append((line, index, None))
        else:
            return []
    return entries


def _number(value: Any) -> int | None:
    try:
        number = int(str(value).strip())
    except ValueError:
        return None
    return number if number >= 0 else None


def _color(value: Any) -> int | None:
    """A color as 0xRRGGBB, from `#rrggbb`, `r,g,b` or three numbers; None if it is none."""
    if isinstance(value, str):
        match = COLOR.fullmatch(value.strip())
        if match and (value.strip().startswith("#") or not value.strip().isdigit()):
            return int(match[1], 16)
        value = re.findall(r"\d+", value)
    if not isinstance(value, list | tuple) or len(value) not in (3, 4):
        return None
    parts = [_number(part) for part in value[:3]]
    if any(part is None or part > 255 for part in parts):
        return None
    red, green, blue = (int(part or 0) for part in parts)
    return (red << 16) | (green << 8) | blue
