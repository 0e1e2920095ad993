"""Writes examples with a model's proposals as a COCO data set, for a labeling tool to correct.

    images/<name>.jpg, annotations/instances_default.json

is what CVAT reads and writes as "COCO 1.0", what the converter of Label Studio takes (one polygon for each
annotation, and no box, which it would turn into a region of its own), and what `data.format: coco` reads.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from components.example_gen.readers.shapes import BACKGROUND_LABELS
from petseg.class_table import ClassTable
from petseg.files.atomic import write_atomic
from petseg.mask_outlines import polygons_of, ring_area

ANNOTATIONS = "annotations/instances_default.json"
PHOTOS = "images"
ENDINGS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"GI": ".gif", b"BM": ".bmp"}


def export_coco(proposed: Iterable[tuple[str, bytes, np.ndarray]], classes: ClassTable, folder: Path) -> None:
    """Writes photos and proposals.

    Each connected part of a class is one annotation, so that every pixel is in one, and later, smaller ones
    lie over earlier ones. Parts of a class with the label `background` that reach the edge of the photo have
    none: pixels without annotation are the background.

    Args:
        proposed: Name, encoded upright photo, and the class ids predicted for it, uint8 [height, width].
        classes: The class table.
        folder: To write into.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    labels = _labels(classes)
    for name, photo, class_ids in proposed:
        file = f"{name}{ENDINGS.get(photo[:2], '.jpg')}"
        write_atomic(folder / PHOTOS / file, photo)
        height, width = class_ids.shape
        image_id = len(images) + 1
        images.append({"id": image_id, "file_name": file, "width": width, "height": height})
        for annotation in _annotations(class_ids, labels):
            annotations.append({"id": len(annotations) + 1, "image_id": image_id} | annotation)
    categories = [{"id": index + 1, "name": label, "supercategory": ""} for index, label in enumerate(labels)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write_atomic(folder / ANNOTATIONS, json.dumps(content))


def _annotations(class_ids: np.ndarray, labels: list[str]) -> Iterator[dict[str, Any]]:
    """The parts of a prediction, the largest first, as tools draw them; what lies in a hole is smaller."""
    height, width = class_ids.shape
    parts = [
        (ring_area(outer), index, outer)
        for index in np.unique(class_ids).tolist()
        for outer, *_ in polygons_of(class_ids == index)
    ]
    for area, index, outer in sorted(parts, key=lambda part: -part[0]):
        x, y = np.array(outer).T
        at_edge = not x.min() or not y.min() or x.max() == width or y.max() == height
        if at_edge and labels[index] in BACKGROUND_LABELS:
            continue
        yield {
            "category_id": index + 1,
            "segmentation": [np.ravel(outer).tolist()],
            "area": area,
            "iscrowd": 0,
        }


def _labels(classes: ClassTable) -> list[str]:
    """The label by which each class is read again: one of its sources, else its name."""
    label_of_value: dict[int, str] = {}
    for label, value in classes.value_of_label.items():
        label_of_value.setdefault(value, label)
    return [label_of_value.get(entry.value, entry.name) for entry in classes.classes]
