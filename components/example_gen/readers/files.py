"""Folders and lists as readers look at them, with errors for the person who chose them."""

import os
from pathlib import Path

from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from petseg.files.object_store import StorePath, as_path

Folder = Path | StorePath
"""Readers use only what both have."""


def data_folder(data: DataSettings) -> Folder:
    """The data set's folder, local or on an object store.

    Raises:
        UserError: No folder is set, or there is none.
    """
    if data.path is None:
        raise UserError("data.path is not set; name the data set's folder with --data DIR")
    folder = as_path(data.path)
    if not folder.is_dir():
        raise UserError(f"data.path: there is no folder {folder}")
    return folder


def require_folder(folder: Folder, content: str) -> None:
    """Raises a UserError if a folder of the layout is missing."""
    if not folder.is_dir():
        raise UserError(f"data: the folder {folder} is missing; it must hold {content}")


def names_in(folder: Folder, endings: tuple[str, ...]) -> dict[str, list[str]]:
    """File names with one of the endings, in any case, by name without ending."""
    found: dict[str, list[str]] = {}
    for file in sorted(entry.name for entry in folder.iterdir()):
        if has_ending(file, endings):
            found.setdefault(os.path.splitext(file)[0], []).append(file)
    return found


def has_ending(file: str, endings: tuple[str, ...]) -> bool:
    """Whether a file has one of the endings, in any case, and is not hidden as `._x.jpg` of macOS is."""
    return os.path.splitext(file)[1].lower() in endings and not file.startswith(".")


def read_list(file: Folder) -> list[str]:
    """Lines of a list that are neither empty nor comments.

    Raises:
        UserError: The list is missing or is not text.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"data: the list {file} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"data: the list {file} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
