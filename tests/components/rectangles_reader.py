"""A reader as anybody would add one: a folder of photos, and a JSON file with the rectangles of each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.example_gen.pairs import Found, PairSource
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File


@dataclass(frozen=True)
class Rectangles:
    """A mask of rectangles [value, top, left, bottom, right]; implements RenderedMask."""

    path: str
    rectangles: list[list[int]]

    def render(self, height: int, width: int) -> np.ndarray:
        values = np.zeros((height, width), int)
        for value, top, left, bottom, right in self.rectangles:
            values[top:bottom, left:right] = value
        return values


def watched(data: DataSettings) -> tuple[str, ...]:
    return "photos", "rectangles.json"


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    annotations = json.loads(Path(data.path, "rectangles.json").read_text())
    for name, rectangles in annotations.items():
        photo = File(f"{data.path}/photos", f"{name}.jpg")
        yield PairSource(name, photo, Rectangles("rectangles.json", rectangles))
