"""The JSON files of labelme, one for each photo, beside it or where `data.masks` says.

    photo.jpg, photo.json

Shapes are drawn in the file's order, later ones over earlier ones, as labelme's `shapes_to_label` does; a
shape labeled `__ignore__` is ignored. Pixels in no shape are the background, see `shapes.background_value`. A
photo without a JSON file is not labeled yet and is left out.
"""

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.example_gen.pairs import Found, LeftOut, PairSource
from components.example_gen.pixels.mask_mapping import UnknownValuesError
from components.example_gen.readers import folder as folder_reader
from components.example_gen.readers.files import data_folder
from components.example_gen.readers.folder import splits_of_photos
from components.example_gen.readers.layout import Layout
from components.example_gen.readers.patterns import composed
from components.example_gen.readers.shapes import background_value, draw
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.class_table import ClassTable
from petseg.coco_rle import counts_of_mask
from petseg.errors import BrokenFileError
from petseg.files.image_file import decode, open_image

IGNORED = "__ignore__"
CIRCLE_POINTS = 64
USUAL = {"photos": "**", "masks": "{stem}.json"}


@dataclass(frozen=True)
class LabelmeMask:
    """The shapes of one JSON file; implements RenderedMask."""

    file: File
    classes: ClassTable
    max_pixels: int

    @property
    def path(self) -> str:
        """See RenderedMask."""
        return self.file.path

    def render(self, height: int, width: int) -> np.ndarray:
        """See RenderedMask."""
        try:
            content = json.loads(self.file.read(8 * self.max_pixels + 2**20))
            size = int(content.get("imageHeight") or height), int(content.get("imageWidth") or width)
            shapes = [(composed(str(each["label"])), each) for each in content["shapes"]]
        except ValueError as error:
            raise BrokenFileError(f"is not valid JSON: {error}") from None
        except (KeyError, TypeError, AttributeError):
            raise BrokenFileError("is no file of labelme: it must have shapes, each with a label") from None
        values = self.classes.value_of_label
        if self.classes.stored_ignored is not None:
            values = {IGNORED: self.classes.stored_ignored} | values
        if unknown := {label: 0 for label, _ in shapes if label not in values}:
            raise UnknownValuesError(unknown, sorted(values), "label")
        labels = {
            label for label in self.classes.value_of_label if label not in ("background", "_background_")
        }
        background = background_value(self.classes, labels) if labels else None
        drawn = [(values[label], _geometry(shape, size)) for label, shape in shapes]
        return draw(drawn, size, (height, width), background)


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return folder_reader.watched(data.model_copy(update=_patterns(data)))


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields the pair of each JSON file; see Reader."""
    folder = data_folder(data)
    layout = Layout(folder, data.model_copy(update=_patterns(data)), (".json",))
    photos = layout.find_photos()
    split_of = splits_of_photos(photos, layout.photos)
    for name, files in photos.files():
        if layout.mask_file(files[0]) is None:
            yield LeftOut(name)
            continue
        found = layout.pair(files, split_of(files[0]), found_in=layout.photos.folder)
        if isinstance(found, PairSource) and isinstance(found.mask, File):
            mask = LabelmeMask(found.mask, data.classes, data.max_pixels)
            yield PairSource(name, found.photo, mask, split=found.split, found_in=found.found_in)
        else:
            yield found
    yield from layout.orphans()


def _patterns(data: DataSettings) -> dict[str, str]:
    return {"photos": data.photos or USUAL["photos"], "masks": data.masks or USUAL["masks"]}


def _geometry(shape: dict[str, Any], size: tuple[int, int]) -> Any:
    """A shape as polygons or run lengths.

    Raises:
        BrokenFileError: It covers no area, such as a line, or makes no sense.
    """
    kind = shape.get("shape_type") or "polygon"
    try:
        points = [(float(x), float(y)) for x, y in shape["points"]]
        if kind == "polygon":
            return [[coordinate for point in points for coordinate in point]]
        (left, top), (right, bottom) = points
        if kind == "rectangle":
            return [[left, top, right, top, right, bottom, left, bottom]]
        if kind == "circle":
            radius = math.hypot(right - left, bottom - top)
            turns = [2 * math.pi * step / CIRCLE_POINTS for step in range(CIRCLE_POINTS)]
            return [
                [each for t in turns for each in (left + radius * math.cos(t), top + radius * math.sin(t))]
            ]
        if kind == "mask":
            return _counts_of_png(shape["mask"], int(left), int(top), size)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenFileError(f"has a shape that cannot be drawn: {error!r}") from None
    raise BrokenFileError(f"has a shape of type {kind}, which covers no area; remove it or draw a polygon")


def _counts_of_png(text: str, left: int, top: int, size: tuple[int, int]) -> dict[str, Any]:
    """A shape of type mask: a PNG of its bounding box, from its left upper corner on."""
    image = open_image(base64.b64decode(text), ("PNG",), size[0] * size[1])
    decode(image)
    part = np.asarray(image.convert("L")) > 0
    inside = np.zeros(size, bool)
    height, width = inside[top : top + part.shape[0], left : left + part.shape[1]].shape
    inside[top : top + height, left : left + width] = part[:height, :width]
    return {"counts": counts_of_mask(inside), "size": list(size)}
