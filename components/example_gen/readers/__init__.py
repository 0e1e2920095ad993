"""One module a format: each lists the pairs of a data set without opening the photos.

To add a format, write a module with the two functions of Reader and add a line to READERS. All readers share
splits, checks, repairs, quarantine, spans, fingerprints and writing. A module is imported when it is used. It
must not import TensorFlow or TFX at its top.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from components.example_gen.pairs import Found
    from components.example_gen.settings import DataSettings

READERS = {
    "auto": "components.example_gen.readers.auto",
    "folder": "components.example_gen.readers.folder",
    "pets": "components.example_gen.readers.pets",
    "tfds": "components.example_gen.readers.tfds",
    "voc": "components.example_gen.readers.voc",
    "coco": "components.example_gen.readers.coco",
    "labelme": "components.example_gen.readers.labelme",
    "yolo": "components.example_gen.readers.yolo",
    "label_studio": "components.example_gen.readers.label_studio",
}
"""Module of each `data.format`."""


class Reader(Protocol):
    """What a reader's module must define."""

    def watched(self, data: DataSettings) -> tuple[str, ...]:
        """Returns the files and folders below `data.path` whose change means changed data."""

    def read_pairs(self, data: DataSettings, scratch: str) -> Iterator[Found]:
        """Yields each pair, a note for each file or name that cannot be one, and photos that no list names.

        Args:
            data: The settings; `path` is the folder to read, with `data.spans` that of one span.
            scratch: Path for a folder of unpacked files. The folder does not exist yet, and is deleted after
                the examples are written.

        Raises:
            UserError: The data set is missing, or a part of it.
        """


def find_reader(name: str) -> Reader:
    """Imports the reader of a `data.format`."""
    return cast(Reader, importlib.import_module(READERS[name]))


def unpacks(name: str) -> bool:
    """Whether a reader must unpack files to list the pairs: its module says `UNPACKS = True`.

    `run` lists the pairs of the other readers before it starts anything, to refuse unusable data at once.
    """
    return getattr(find_reader(name), "UNPACKS", False)
