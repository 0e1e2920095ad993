"""What writes the masks of all photos in one format."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from petseg.class_table import ClassTable, SegmentationClass
from petseg.files.atomic import atomic_file
from pipeline.prediction.photos import PhotoFile


class MaskWriter(Protocol):
    """Writes masks in one format; a context, at whose end the files are complete."""

    def encode(self, photo: PhotoFile, values: NDArray[np.uint8]) -> Any:
        """What `write` takes, from a mask [h, w] of the classes' values. Is called in threads."""

    def write(self, encoded: Any) -> None:
        """Writes it, photo by photo in their order."""

    def __enter__(self) -> "MaskWriter": ...

    def __exit__(self, *error: Any) -> None: ...


class JsonLines:
    """A file with a line of JSON for each photo; implements MaskWriter but for `encode`."""

    def __init__(self, file: Path, classes: ClassTable):
        self.classes = classes
        self._file = file
        self._stack = ExitStack()

    def __enter__(self) -> "JsonLines":
        unfinished = self._stack.enter_context(atomic_file(self._file))
        self._lines: TextIO = self._stack.enter_context(unfinished.open("w", encoding="utf-8"))
        return self

    def write(self, encoded: Any) -> None:
        """Writes a line."""
        self._lines.write(json.dumps(encoded, separators=(",", ":"), ensure_ascii=False) + "\n")

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def masks_of_classes(
    values: NDArray[np.uint8], classes: ClassTable
) -> Iterator[tuple[SegmentationClass, NDArray[np.bool_]]]:
    """The classes in a mask [h, w], each with the mask of its pixels, bool [h, w]."""
    present = set(np.unique(values).tolist())
    for entry in classes.classes:
        if entry.value in present:
            yield entry, values == entry.value
