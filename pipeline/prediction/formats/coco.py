"""COCO: `coco.json` with an annotation for each class in each photo, as run lengths.

The ids of categories are the class ids plus one: COCO's tools take 0 for no category.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petseg.class_table import ClassTable
from petseg.coco_rle import counts_of_mask, encode_counts
from petseg.files.atomic import atomic_file
from pipeline.prediction.formats.mask_writer import JsonLines, masks_of_classes
from pipeline.prediction.photos import PhotoFile


class Coco(JsonLines):
    """Writes `coco.json`. Annotations wait in a file of their own until all photos are known."""

    def __init__(self, output: Path, classes: ClassTable):
        super().__init__(output / "coco.json.annotations", classes)
        self._output = output
        self._annotations = output / "coco.json.annotations"
        self._images: list[dict[str, Any]] = []
        self._category = {entry.name: index for index, entry in enumerate(classes.classes, start=1)}
        self._count = 0

    def encode(self, photo: PhotoFile, values: NDArray[np.uint8]) -> tuple[Any, list[Any]]:
        """See MaskWriter."""
        height, width = values.shape
        image = {"file_name": photo.path, "height": height, "width": width}
        annotations = [
            {
                "category_id": self._category[entry.name],
                "segmentation": {"size": [height, width], "counts": encode_counts(counts_of_mask(mask))},
                "area": int(mask.sum()),
                "bbox": _box(mask),
                "iscrowd": 0,
            }
            for entry, mask in masks_of_classes(values, self.classes)
        ]
        return image, annotations

    def write(self, encoded: tuple[Any, list[Any]]) -> None:
        """See MaskWriter."""
        image, annotations = encoded
        self._images.append({"id": len(self._images) + 1, **image})
        for annotation in annotations:
            self._count += 1
            super().write({"id": self._count, "image_id": len(self._images), **annotation})

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if error[0] is None:
            self._assemble()

    def _assemble(self) -> None:
        categories = [{"id": number, "name": name} for name, number in self._category.items()]
        with atomic_file(self._output / "coco.json") as unfinished, unfinished.open("w") as file:
            file.write(f'{{"images":{json.dumps(self._images)},"categories":{json.dumps(categories)},')
            file.write('"annotations":[')
            with self._annotations.open(encoding="utf-8") as lines:
                for index, line in enumerate(lines):
                    file.write(("," if index else "") + line.rstrip("\n"))
            file.write("]}\n")
        self._annotations.unlink()


def _box(mask: NDArray[np.bool_]) -> list[int]:
    """x, y, width and height in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    ]


def writer(output: Path, classes: ClassTable) -> Coco:
    """See `pipeline.prediction.formats`."""
    return Coco(output, classes)
