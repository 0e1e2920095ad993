"""The drawn pairs that `every_format` writes in every format."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from petseg.coco_rle import fill_polygon
from tests.components import tiny_pairs

HEIGHT, WIDTH = 48, 64
SPLITS = {"train": range(12), "val": range(12, 16), "test": range(16, 22)}
SUBSETS = {"train": "Train", "val": "Validation", "test": "Test"}
"""The names that CVAT offers for the subset of a task."""
COLORS = {0: (0, 0, 0), 1: (61, 245, 61), 2: (140, 120, 240)}
CLASSES = [
    {"value": 0, "name": "background", "color": "#000000"},
    {"value": 1, "name": "traffic light", "color": "#3df53d"},
    {"value": 2, "name": "car", "color": "#8c78f0"},
]
LABELS = ("background", "traffic light", "car")


def polygons(number: int) -> list[tuple[int, list[float]]]:
    """A car in back and a traffic light in front of it, other ones in each photo; they overlap."""
    x, y = 4 + number, 6 + number % 5
    car = [x, y + 8.25, x + 30.25, y + 6, x + 34, y + 27.75, x + 3, y + 30]
    light = [x + 10, y, x + 21.75, y + 2, x + 15, y + 21]
    return [(2, [float(each) for each in car]), (1, [float(each) for each in light])]


def drawn(number: int) -> np.ndarray:
    """The mask of a pair, uint8 [HEIGHT, WIDTH]."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value, points in polygons(number):
        values[fill_polygon(points, HEIGHT, WIDTH)] = value
    return values


def pairs() -> list[tuple[int, str, str]]:
    """Number, name and split word of each pair."""
    return [(number, f"photo_{number:02d}", split) for split, numbers in SPLITS.items() for number in numbers]


def write_photo(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tiny_pairs.photo(number).save(path, quality=95)


def save(path: Path, pixels: np.ndarray | Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path)


def write_text(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
