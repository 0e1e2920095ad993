"""Polygons in the text files of YOLO, as Ultralytics reads and labeling tools write them.

    data.yaml                                         `names: [cat, dog]` or `names: {0: cat}`
    images/train/*.jpg, labels/train/*.txt, images/val/ ...   or train/images/*.jpg, train/labels/*.txt, ...

A line is a class number and the corners of its polygon, as shares of the width and height of the photo as
viewers show it. The names of `data.yaml` are the labels of the class table; without it, the numbers are the
`source` of classes. Polygons are drawn in the file's order. A photo without a text file has no objects, only
background.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import yaml

from components.example_gen.pairs import Found, PairSource
from components.example_gen.pixels.mask_mapping import UnknownValuesError
from components.example_gen.readers.files import Folder, data_folder, read_text
from components.example_gen.readers.folder import splits_of_photos
from components.example_gen.readers.layout import Layout
from components.example_gen.readers.patterns import SPLIT_WORDS, composed
from components.example_gen.readers.shapes import background_value, draw, require_labels
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.errors import BrokenFileError, UserError

NAMES = ("data.yaml", "data.yml", "dataset.yaml")
IN_TWO_FOLDERS = {"photos": "images/**", "masks": "labels/{name}.txt"}
IN_FOLDERS_OF_SPLITS = {"photos": "{split}/images/{path:**}", "masks": "{split}/labels/{path}.txt"}


@dataclass(frozen=True)
class YoloMask:
    """The polygons of one text file; implements RenderedMask.

    Attributes:
        file: The text file; None for a photo without objects.
        path: What messages call it.
        values: Value of each class number.
        background: Value of pixels in no polygon.
    """

    file: File | None
    path: str
    values: dict[int, int]
    background: int | None
    is_upright = True

    def render(self, height: int, width: int) -> np.ndarray:
        """See RenderedMask."""
        text = self.file.read(height * width + 2**20).decode("utf-8", "replace") if self.file else ""
        shapes = []
        for number, line in enumerate(text.splitlines(), start=1):
            fields = line.split()
            try:
                kind, points = int(fields[0]), [float(field) for field in fields[1:]]
            except (ValueError, IndexError):
                if fields:
                    raise BrokenFileError(f"line {number} is no class number with numbers") from None
                continue
            if len(points) < 6 or len(points) % 2:
                raise BrokenFileError(
                    f"line {number} has {len(points)} numbers after the class: a polygon has 6 or more, in "
                    "pairs; a box is no mask"
                )
            shapes.append((kind, [points]))
        if unknown := {str(kind): 0 for kind, _ in shapes if kind not in self.values}:
            raise UnknownValuesError(unknown, sorted(self.values), "class number")
        drawn = [(self.values[kind], polygons) for kind, polygons in shapes]
        return draw(drawn, None, (height, width), self.background)


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return (
        (".",)
        if data.photos or data.masks
        else (
            "images",
            "labels",
            *NAMES,
            *(word for words in SPLIT_WORDS.values() for word in words),
        )
    )


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields the pair of each photo; see Reader."""
    folder = data_folder(data)
    usual = IN_TWO_FOLDERS if (folder / "images").is_dir() else IN_FOLDERS_OF_SPLITS
    patterns = {"photos": data.photos or usual["photos"], "masks": data.masks or usual["masks"]}
    layout = Layout(folder, data.model_copy(update=patterns), (".txt",))
    values, background = _values(folder, data)
    photos = layout.find_photos()
    split_of = splits_of_photos(photos, layout.photos)
    if photos and not any(layout.mask_file(files[0]) for _, files in photos.files()):
        raise UserError(
            f"data: no photo below {folder} has a text file {patterns['masks']} with its polygons"
        )
    for name, files in photos.files():
        text = layout.mask_file(files[0])
        file = File(str(folder), text) if text else None
        mask = YoloMask(
            file, text or layout.masks.path_for(files[0].path, name, files[0].words), values, background
        )
        photo = File(str(folder), files[0].path)
        found_in = posixpath.dirname(files[0].path)
        yield PairSource(name, photo, mask, split=split_of(files[0]), found_in=found_in)
    yield from layout.orphans()


def _values(folder: Folder, data: DataSettings) -> tuple[dict[int, int], int | None]:
    """Value of each class number, and that of the background."""
    names = _names(folder)
    if names:
        require_labels(data.classes, names.values())
        values = {number: data.classes.value_of_label[name] for number, name in names.items()}
        return values, background_value(data.classes, set(names.values()))
    labels = {
        entry.name
        for entry in data.classes.classes
        if any(isinstance(source, int) for source in entry.source)
    }
    if not labels:
        raise UserError(
            f"data: {folder} has no data.yaml with the names of classes; write it, or give each class but "
            "the background its number in the text files as source, and the background source: background"
        )
    values = {
        source: entry.value
        for entry in data.classes.classes
        for source in entry.source
        if isinstance(source, int)
    }
    return values, background_value(data.classes, labels)


def _names(folder: Folder) -> dict[int, str]:
    """Name of each class number in the YAML file; empty where there is none."""
    for file in NAMES:
        if not (folder / file).exists():
            continue
        try:
            names = yaml.safe_load(read_text(folder / file, "file"))["names"]
            pairs = names.items() if isinstance(names, dict) else enumerate(names)
            return {int(number): composed(str(name)) for number, name in pairs}
        except (yaml.YAMLError, KeyError, TypeError, ValueError):
            raise UserError(f"data: {folder / file} must have names: a list, or numbers with names") from None
    return {}
