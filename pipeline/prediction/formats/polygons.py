"""Polygons: `polygons.jsonl`, a line for each photo.

    {"photo": "a.jpg", "height": 300, "width": 400, "classes": {"pet": [[outer, hole, ...], ...], ...}}

Each class has polygons as GeoJSON's MultiPolygon has them: a list of rings, the outer one first, then the
holes. A ring is a list of corners [x, y] in pixels, and ends at its first corner. They run along the edges of
the pixels, so they fill exactly the mask.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petseg.class_table import ClassTable
from petseg.mask_outlines import polygons_of
from pipeline.prediction.formats.mask_writer import JsonLines, masks_of_classes
from pipeline.prediction.photos import PhotoFile


class Polygons(JsonLines):
    """Writes `polygons.jsonl`."""

    def encode(self, photo: PhotoFile, values: NDArray[np.uint8]) -> dict[str, Any]:
        """See MaskWriter."""
        height, width = values.shape
        polygons = {
            entry.name: [[[*ring, ring[0]] for ring in polygon] for polygon in polygons_of(mask)]
            for entry, mask in masks_of_classes(values, self.classes)
        }
        return {"photo": photo.path, "height": height, "width": width, "classes": polygons}


def writer(output: Path, classes: ClassTable) -> Polygons:
    """See `pipeline.prediction.formats`."""
    return Polygons(output / "polygons.jsonl", classes)
