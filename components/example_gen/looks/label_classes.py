"""Proposes a class table for annotations whose shapes have labels, such as those of COCO and labelme."""

from collections.abc import Sequence
from dataclasses import replace

from components.example_gen.looks.classes import (
    FEWEST_MASKS,
    IGNORED_NAMES,
    ProposedClass,
    ProposedTable,
    class_name,
)
from components.example_gen.looks.dataset import Opened

BACKGROUND = "background"
BACKGROUND_LABELS = (BACKGROUND, "_background_")
"""Labels that the readers take for pixels in no shape."""


def propose_for_labels(labels: Sequence[str | int]) -> ProposedTable:
    """A class for each label, and one for pixels in no shape.

    Args:
        labels: Names, or numbers where the annotations have no names.
    """
    ignored = [label for label in labels if IGNORED_NAMES.fullmatch(str(label))]
    kept = [label for label in labels if label not in ignored]
    has_background = any(label in BACKGROUND_LABELS for label in kept)
    classes = [] if has_background else [ProposedClass(0, BACKGROUND, None, 0, 0, True)]
    taken = {BACKGROUND} - set(map(str, kept))
    for label in kept:
        value = len(classes)
        text = str(label) if isinstance(label, str) else f"class_{label}"
        name = class_name(text, value, taken)
        classes.append(
            ProposedClass(value, name, None if name == label else label, 0, 0, isinstance(label, str))
        )
    return ProposedTable(tuple(classes), tuple(ignored))


def with_counts(table: ProposedTable, opened: Opened) -> ProposedTable:
    """Adds to each class its pixels and masks; labels that too few masks have are ignored, with a remark.

    Args:
        table: Of `propose_for_labels`, with which the pairs were opened.
        opened: The opened pairs.
    """
    pixels, having = opened.value_pixels(), opened.value_masks()
    if not pixels:
        return replace(table, problem="no annotation can be drawn")
    total = pixels.total()
    counted = [
        replace(entry, share=pixels[entry.value] / total, masks=having[entry.value])
        for entry in table.classes
    ]
    fewest = 0 if opened.is_sample else min(FEWEST_MASKS, max(having.values()))
    kept = tuple(entry for entry in counted if entry.masks >= fewest)
    few = [entry for entry in counted if entry.masks < fewest and entry.name != BACKGROUND]
    remarks = []
    if few:
        named = ", ".join(f"{entry.name} ({entry.masks})" for entry in few)
        remarks.append(f"{named}: in too few annotated photos for three splits, and ignored.")
    sources = [entry.name if entry.source is None else entry.source for entry in few]
    problem = (
        "" if len(kept) > 1 else "the annotations have no label that could be a class beside the background"
    )
    return replace(
        table, classes=kept, ignored=(*table.ignored, *sources), remarks=tuple(remarks), problem=problem
    )
