"""Masks that are drawn: polygons and run-length encodings over a background."""

import json
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from petseg.class_table import ClassTable
from petseg.coco_rle import decode_counts, fill_polygon, mask_of_counts
from petseg.errors import BrokenFileError, UserError

BACKGROUND_LABELS = ("background", "_background_")

Shape = tuple[int, Any]
"""A value and what has it: polygons [[x, y, x, y, ...], ...], whose union is filled, or {"counts": ...}."""


@dataclass(frozen=True)
class DrawnMask:
    """Shapes drawn one over the other; implements RenderedMask.

    Attributes:
        path: File of the annotation.
        size: Height and width that the shapes refer to; None: coordinates are shares of the photo's.
        packed: The shapes as compressed JSON: of a large data set, all are in memory.
        background: Value of pixels in no shape; None: there must be none.
    """

    path: str
    size: tuple[int, int] | None
    packed: bytes
    background: int | None

    @classmethod
    def of(
        cls, path: str, size: tuple[int, int] | None, shapes: Sequence[Shape], background: int | None
    ) -> "DrawnMask":
        """Packs the shapes, in the order in which they are drawn."""
        return cls(path, size, zlib.compress(json.dumps(shapes).encode()), background)

    @property
    def is_upright(self) -> bool:
        """See RenderedMask: shares of the photo's size refer to the photo as viewers show it."""
        return self.size is None

    def render(self, height: int, width: int) -> np.ndarray:
        """See RenderedMask."""
        return draw(json.loads(zlib.decompress(self.packed)), self.size, (height, width), self.background)


def draw(
    shapes: Iterable[Sequence[Any]],
    size: tuple[int, int] | None,
    photo_size: tuple[int, int],
    background: int | None,
) -> np.ndarray:
    """Draws shapes by the rules of pycocotools, see `petseg.coco_rle`.

    Args:
        shapes: See Shape; later ones lie over earlier ones.
        size: Height and width of the mask; None: those of the photo, of which coordinates are shares.
        photo_size: Height and width of the photo.
        background: Value of pixels in no shape.

    Returns:
        int16 [height, width].

    Raises:
        BrokenFileError: A shape cannot be drawn, or pixels are in none and there is no background.
    """
    height, width = size or photo_size
    scale = (1.0, 1.0) if size else (float(width), float(height))
    values = np.full((height, width), -1 if background is None else background, np.int16)
    for value, geometry in shapes:
        try:
            values[_inside(geometry, height, width, scale)] = value
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise BrokenFileError(f"has a shape that cannot be drawn: {error}") from None
    if background is None and (values < 0).any():
        raise BrokenFileError(
            f"leaves {np.count_nonzero(values < 0)} pixels without a label; give one class the source "
            "background"
        )
    return values


def _inside(geometry: Any, height: int, width: int, scale: tuple[float, float]) -> np.ndarray:
    if isinstance(geometry, dict):
        counts = geometry["counts"]
        height_of_counts, width_of_counts = geometry.get("size", (height, width))
        if (height_of_counts, width_of_counts) != (height, width):
            raise ValueError(f"run lengths of {width_of_counts} x {height_of_counts} pixels")
        return mask_of_counts(decode_counts(counts) if isinstance(counts, str) else counts, height, width)
    inside = np.zeros((height, width), bool)
    for polygon in geometry:
        points = np.asarray(polygon, float).reshape(-1, 2)
        if len(points) < 3 or not np.isfinite(points).all():
            raise ValueError(f"a polygon of {len(points)} points")
        inside |= fill_polygon((points * scale).ravel().tolist(), height, width)
    return inside


def background_value(classes: ClassTable, labels: Collection[str]) -> int | None:
    """Value of pixels that no annotation covers.

    It is that of the label `background` if the class table has it, else that of the only class that has none
    of the labels.

    Args:
        classes: The class table.
        labels: The labels of the annotations.

    Returns:
        The value; None if every class has a label.

    Raises:
        UserError: Several classes have none.
    """
    for label in BACKGROUND_LABELS:
        if label in classes.value_of_label:
            return classes.value_of_label[label]
    with_label = {classes.value_of_label[label] for label in labels if label in classes.value_of_label}
    others = [entry for entry in classes.classes if entry.value not in with_label]
    if len(others) > 1:
        raise UserError(
            f"data.classes: no annotation has the labels {', '.join(entry.name for entry in others)}; the "
            f"data has {', '.join(sorted(labels)[:20]) or 'none'}. Give the class of unannotated pixels "
            "source: background, and each other class the labels that it stands for as its source"
        )
    return others[0].value if others else None


def require_labels(classes: ClassTable, labels: Iterable[str]) -> None:
    """Raises a UserError that names all labels of the annotations that the class table lacks."""
    unknown = sorted(set(labels) - classes.value_of_label.keys())
    if unknown:
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
        raise UserError(
            f"data.classes lacks the labels {', '.join(unknown[:20])}{more}; it has "
            f"{', '.join(classes.value_of_label) or 'none'}. Give each to a class as its source, or to "
            "data.classes.ignored_value"
        )
