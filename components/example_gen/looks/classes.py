"""Proposes a class table from what the masks hold: classes, names, and what is ignored."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from components.example_gen.looks.dataset import Opened
from components.example_gen.looks.images import is_gray
from components.example_gen.looks.recognition.label_maps import LabelMap
from petseg.class_table import LONGEST_NAME, MOST_CLASSES, class_key

IGNORED_NAMES = re.compile(
    r"(void|ignored?|un-?label+ed|don.?t.?care|ignore.?region|__ignore__)", re.IGNORECASE
)
IGNORED_BY_CUSTOM = 255
"""Of three or more values, the one that Pascal VOC and others use for pixels that do not count."""

FEWEST_MASKS = 3
"""A value in fewer masks cannot be in each of train, eval and test."""

LOW, HIGH = 0.1, 0.9
"""Parts of the range of a binary mask whose levels count as its two classes."""

MOST_BETWEEN = 0.1
"""Share of pixels between LOW and HIGH above which a mask is not binary."""


@dataclass(frozen=True)
class ProposedClass:
    """A class as `init` writes it.

    Attributes:
        value: In the masks that the product writes.
        name: From a label map, or `class_<value>`.
        source: What stands for it in the files; None: its value, or its name where annotations have names.
        share: Of the opened masks' pixels.
        masks: Number of opened masks that have it.
        is_named: Whether its name comes from the data.
    """

    value: int
    name: str
    source: int | str | None
    share: float
    masks: int
    is_named: bool


@dataclass(frozen=True)
class ProposedTable:
    """A class table, what else the masks need, and what only a person can know.

    Attributes:
        classes: At least two, or none where the masks are no class masks.
        ignored: Sources that are ignored.
        settings: Settings of `data` that the masks need.
        remarks: What was assumed, and what to check, in whole sentences.
        problem: Why the masks cannot be read as classes; empty if they can.
    """

    classes: tuple[ProposedClass, ...] = ()
    ignored: tuple[int | str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    problem: str = ""

    def to_settings(self) -> dict[str, Any]:
        """The setting `data.classes`."""
        entries = []
        for entry in self.classes:
            source = {} if entry.source is None else {"source": entry.source}
            entries.append({"value": entry.value, "name": entry.name} | source)
        ignored = self.ignored[0] if len(self.ignored) == 1 else list(self.ignored)
        return {"classes": entries} | ({"ignored_value": ignored} if self.ignored else {})


def propose_classes(opened: Opened, label_map: LabelMap | None = None) -> ProposedTable:
    """The class table that fits raster masks."""
    masks = [pair.mask for pair in opened.good if pair.mask]
    if not masks:
        return ProposedTable(problem="no mask can be read")
    pixels, having = opened.value_pixels(), opened.value_masks()
    kinds = Counter(mask.kind for mask in masks)
    if kinds["color"] or _colors_matter(opened):
        return _of_colors(opened, label_map)
    top = max(pixels)
    between = sum(count for value, count in pixels.items() if LOW * top < value < HIGH * top)
    is_lossy = any(mask.format == "JPEG" for mask in masks)
    if (
        len(pixels) > 2
        and top > 2
        and (is_lossy or len(pixels) > 32)
        and between <= MOST_BETWEEN * pixels.total()
    ):
        return _binary(pixels, having, between / pixels.total(), is_lossy)
    if len(pixels) > MOST_CLASSES:
        return ProposedTable(
            problem=f"the masks have {len(pixels):,} different values, more than a class table can hold"
            f" ({MOST_CLASSES}); they look like instances, depth or photos"
        )
    return _of_values(pixels, having, label_map)


def _binary(pixels: Counter[int], having: Counter[int], between: float, is_lossy: bool) -> ProposedTable:
    top = max(pixels)
    threshold = top // 2 + 1
    higher = sum(count for value, count in pixels.items() if value >= threshold) / pixels.total()
    most = max(having.values())
    why = "JPEG blurs the edges" if is_lossy else "edges are blurred"
    return ProposedTable(
        classes=(
            ProposedClass(0, "class_0", None, 1 - higher, most, False),
            ProposedClass(1, "class_1", None, higher, most, False),
        ),
        settings={"mask_threshold": threshold},
        remarks=(
            f"The masks have two levels, near 0 and near {top}, and {between:.1%} of the pixels between,"
            f" because {why}: from {threshold} on, a pixel is of class_1.",
        ),
    )


def _of_values(pixels: Counter[int], having: Counter[int], label_map: LabelMap | None) -> ProposedTable:
    names = label_map.by_value if label_map else {}
    remarks: list[str] = []
    ignored = [value for value in sorted(pixels) if IGNORED_NAMES.fullmatch(names.get(value, ""))]
    if ignored and label_map:
        remarks.append(f"{label_map.file} calls {_listed(ignored)} by a name for pixels that do not count.")
    if IGNORED_BY_CUSTOM in pixels and IGNORED_BY_CUSTOM not in names and len(pixels) > 2:
        ignored.append(IGNORED_BY_CUSTOM)
        remarks.append(
            f"255 is {pixels[255] / pixels.total():.1%} of the pixels and is ignored, as in Pascal VOC. If it"
            " is a class, list it and drop ignored_value."
        )
    rare = _rare(pixels, having, ignored)
    if rare:
        remarks.append(
            f"{_listed(rare)}: in fewer than {FEWEST_MASKS} masks, too few for three splits, and ignored."
        )
    kept = [value for value in sorted(pixels) if value not in ignored and value not in rare]
    if len(kept) < 2:
        return ProposedTable(problem=_too_few(kept, pixels))
    if len(kept) == 2 and kept[0] == 0 and kept[1] == IGNORED_BY_CUSTOM and not names:
        numbers = {0: 0, 255: 1}
        remarks.append("255 stands for class_1: many tools write 0 and 255 for two classes.")
    else:
        numbers = _numbers(kept)
    absent = sorted(set(names) - set(pixels))
    if absent and label_map:
        listed = ", ".join(f"{value} {names[value]}" for value in absent[:10])
        more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
        remarks.append(f"{label_map.file} also has {listed}{more}, which no opened mask has.")
    classes = _entries(kept, numbers, names, {value: value for value in kept}, pixels, having)
    return ProposedTable(classes, tuple(ignored + rare), remarks=tuple(remarks))


def _of_colors(opened: Opened, label_map: LabelMap | None) -> ProposedTable:
    pixels: Counter[int] = Counter()
    having: Counter[int] = Counter()
    for pair in opened.good:
        if pair.mask:
            for value, count in pair.mask.values.items():
                color = value if pair.mask.kind == "color" else pair.mask.palette.get(value, value * 0x010101)
                pixels[color] += count
                having[color] += 1
    if len(pixels) > MOST_CLASSES:
        lossy = any(pair.mask and pair.mask.format == "JPEG" for pair in opened.good)
        why = "JPEG changes colors; export PNG" if lossy else "they look like photos, overlays or instances"
        return ProposedTable(problem=f"the masks have {len(pixels):,} different colors: {why}")
    names = label_map.by_color if label_map else {}
    ignored = [color for color in sorted(pixels) if IGNORED_NAMES.fullmatch(names.get(color, ""))]
    rare = _rare(pixels, having, ignored)
    remarks = ["Colors stand for the classes: source is the color in the masks, color the one in reports."]
    if rare:
        remarks.append(
            f"{', '.join(map(as_hex, rare))}: in fewer than {FEWEST_MASKS} masks, too few for three splits,"
            " and ignored."
        )
    kept = sorted(color for color in pixels if color not in ignored and color not in rare)
    if len(kept) < 2:
        return ProposedTable(problem=_too_few([as_hex(color) for color in kept], pixels))
    numbers = {color: index for index, color in enumerate(kept)}
    sources = {color: as_hex(color) for color in kept}
    classes = _entries(kept, numbers, names, sources, pixels, having)
    return ProposedTable(classes, tuple(map(as_hex, ignored + rare)), remarks=tuple(remarks))


def _entries(
    kept: Sequence[int],
    numbers: dict[int, int],
    names: dict[int, str],
    sources: dict[int, Any],
    pixels: Counter[int],
    having: Counter[int],
) -> tuple[ProposedClass, ...]:
    entries = []
    taken: set[str] = set()
    for value in kept:
        name = class_name(names.get(value, ""), numbers[value], taken)
        source = None if sources[value] == numbers[value] else sources[value]
        share = pixels[value] / pixels.total()
        entries.append(
            ProposedClass(numbers[value], name, source, share, having[value], bool(names.get(value)))
        )
    return tuple(entries)


def _numbers(kept: Sequence[int]) -> dict[int, int]:
    """The value of each number in the files: itself where all fit into a byte."""
    if max(kept) <= 255:
        return {value: value for value in kept}
    return {value: index for index, value in enumerate(kept)}


def _rare(pixels: Counter[int], having: Counter[int], ignored: Sequence[int]) -> list[int]:
    """Values in too few masks to be a class, unless there are too few masks for any."""
    if max(having.values()) < FEWEST_MASKS:
        return []
    return [value for value in sorted(pixels) if having[value] < FEWEST_MASKS and value not in ignored]


def _too_few(kept: Sequence[int | str], pixels: Counter[int]) -> str:
    said = f"only {kept[0]}" if kept else "no value"
    return (
        f"the masks have {said} that could be a class, of {len(pixels)} values in all;"
        " a class table needs at least two classes"
    )


def _colors_matter(opened: Opened) -> bool:
    """Whether palettes give one index several colors, so that colors and not indices are the classes."""
    colors: dict[int, set[int]] = {}
    for pair in opened.good:
        for index, color in pair.mask.palette.items() if pair.mask else ():
            colors.setdefault(index, set()).add(color)
    all_gray = all(is_gray(color) for several in colors.values() for color in several)
    return not all_gray and any(len(several) > 1 for several in colors.values())


def class_name(text: str, value: int, taken: set[str]) -> str:
    """A name that a class table takes and that has a key of its own, which is added to `taken`."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    name = printable[:LONGEST_NAME].strip() or f"class_{value}"
    if class_key(name, value) in taken:
        name = f"{name[: LONGEST_NAME - 4].strip()} {value}"
    taken.add(class_key(name, value))
    return name


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def as_hex(color: int) -> str:
    """A color 0xRRGGBB as #rrggbb."""
    return f"#{color:06x}"
