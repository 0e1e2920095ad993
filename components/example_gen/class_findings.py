"""What the masks of a data set say about its class table, in words for the person who wrote it."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from components.example_gen.pairs import CheckedPair
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import UserError, listed

NAMED_VALUES = 20


def unknown_values(checked: Iterable[CheckedPair]) -> dict[str, int]:
    """Values and colors that the class table lacks, with the number of masks that have them, most first."""
    masks = Counter(value for pair in checked for value, _ in pair.unknown)
    return dict(sorted(masks.items(), key=lambda item: (-item[1], len(item[0]), item[0])))


def unknown_in_words(masks: dict[str, int], data: DataSettings) -> str:
    """All unknown values of the data set and what to do about them; empty if there are none."""
    if not masks:
        return ""
    named = [f"{value} (in {count} masks)" for value, count in list(masks.items())[:NAMED_VALUES]]
    more = f" and {len(masks) - len(named)} more" if len(masks) > len(named) else ""
    are_colors = all(value.startswith("#") for value in masks)
    if are_colors:
        what, known = "colors", sorted(data.classes.value_of_color)
    elif all(value.isdecimal() for value in masks):
        what, known = "values", sorted(map(str, data.classes.value_of_number))
    else:
        what, known = "labels", list(data.classes.value_of_label)
    has = listed(known, NAMED_VALUES) or "none"
    text = f"masks have {what} that data.classes lacks: {', '.join(named)}{more}; it has {has}"
    if set(masks) == {"255"} and len(data.classes) == 2:
        return f"{text}. For masks of 0 and 255 set data.mask_threshold: 128, or source: 255 for the class"
    source = 'source: "#rrggbb"' if are_colors else "source"
    return f"{text}. Give each to a class ({source}), or to data.classes.ignored_value"


def refuse_swallowed_classes(pairs: Iterable[CheckedPair], classes: ClassTable) -> None:
    """Raises a UserError if a class has no pixel in any mask, while ignored pixels may be its own."""
    ignored, pixels = 0, np.zeros(len(classes), np.int64)
    for pair in pairs:
        ignored += pair.ignored
        pixels += pair.pixels
    if not ignored:
        return
    absent = [entry for entry, count in zip(classes.classes, pixels, strict=True) if not count]
    if not absent:
        return
    share = ignored / (ignored + int(pixels.sum()))
    few = ", ".join(str(source) for source in classes.ignored_sources[:5])
    entry = absent[0]
    sources = ", ".join(map(str, entry.source or (entry.value,)))
    raise UserError(
        f"data.classes: no mask has a pixel of class {entry.name} ({sources}), and {share:.1%} of all "
        f"pixels have an ignored_value ({few}). If these are its pixels, as in masks of 0 and 255, write "
        f"source: {classes.ignored_sources[0]!r} for the class and take it out of ignored_value; else take "
        "the class out of the table"
    )
