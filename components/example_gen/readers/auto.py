"""Recognizes the format and the layout by the names of the files, as `inspect` does, and reads them so.

The run's output says what was recognized. Settings that are given, such as `data.masks`, rule over what is
recognized. `init` writes the same settings into a config, which then do not depend on what else the folder
holds.
"""

import logging
from collections.abc import Iterator

from components.example_gen.looks.recognition.recognize import recognize
from components.example_gen.looks.survey import join_path, layout_settings
from components.example_gen.looks.tree import list_tree
from components.example_gen.pairs import Found
from components.example_gen.readers import find_reader, unpacks
from components.example_gen.readers.files import data_folder
from components.example_gen.settings import DataSettings
from petseg.errors import UserError

GIVEN = ("photos", "masks", "crowds")
"""Settings that rule over what is recognized."""

_progress = logging.getLogger("petseg")


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader: any file may change what is recognized."""
    return (".",)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields the pairs that the reader of the recognized format finds; see Reader."""
    folder = str(data_folder(data))
    tree = list_tree(folder)
    recognized = recognize(tree)
    if recognized is None:
        raise UserError(
            f"data.format: auto recognizes no photos and masks in {folder}, which has {len(tree.files):,}"
            " files; set data.format, data.photos and data.masks"
        )
    fitting = {"path": join_path(folder, recognized.below), **layout_settings(recognized)}
    if unpacks(recognized.format):
        raise UserError(
            f"data.format: auto does not read {recognized.title}; set "
            + ", ".join(f"data.{key}: {value}" for key, value in fitting.items())
        )
    given = {key: getattr(data, key) for key in GIVEN if getattr(data, key) is not None}
    _progress.info("data.format auto: %s; %s", recognized.title, "; ".join(recognized.grounds))
    yield from find_reader(recognized.format).read_pairs(data.model_copy(update=fitting | given), scratch)
