"""labelme's files: `labelme/<photo>.json`, in which a person can go on drawing.

Shapes are drawn from the largest to the smallest, so that what lies in the hole of another is seen.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petseg.class_table import ClassTable
from petseg.files.atomic import atomic_file
from petseg.files.object_store import is_url
from petseg.mask_outlines import polygons_of, ring_area
from pipeline.prediction.formats.mask_writer import masks_of_classes
from pipeline.prediction.photos import PhotoFile

VERSION = "5.5.0"
"""Release of labelme whose format this is."""


class Labelme:
    """Writes `labelme/<photo>.json`; implements MaskWriter."""

    def __init__(self, folder: Path, classes: ClassTable):
        self._folder = folder
        self._classes = classes

    def __enter__(self) -> "Labelme":
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def encode(self, photo: PhotoFile, values: NDArray[np.uint8]) -> None:
        """Writes the file of a photo."""
        height, width = values.shape
        outer_rings = [
            (entry.name, polygon[0])
            for entry, mask in masks_of_classes(values, self._classes)
            for polygon in polygons_of(mask)
        ]
        shapes: list[dict[str, Any]] = [
            {"label": label, "points": ring, "group_id": None, "shape_type": "polygon", "flags": {}}
            for label, ring in sorted(outer_rings, key=lambda each: -ring_area(each[1]))
        ]
        file = self._folder / f"{photo.name}.json"
        content = {
            "version": VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": str(photo) if is_url(photo.root) else os.path.relpath(str(photo), file.parent),
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        with atomic_file(file, synced=False) as unfinished:
            unfinished.write_text(json.dumps(content), encoding="utf-8")

    def write(self, encoded: None) -> None:
        """Does nothing: each photo has a file of its own."""


def writer(output: Path, classes: ClassTable) -> Labelme:
    """See `pipeline.prediction.formats`."""
    return Labelme(output / "labelme", classes)
