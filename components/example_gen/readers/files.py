"""Looking at folders and lists, with errors for the person who chose them."""

import os
from pathlib import Path

from components.example_gen.pairs import Note
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from petseg.files.object_store import StorePath, place

Folder = Path | StorePath
"""What the readers need is there on both."""


def data_folder(data: DataSettings) -> Folder:
    """The data set's folder, or its place on an object store.

    Raises:
        UserError: No folder is set, or there is none.
    """
    if data.path is None:
        raise UserError("data.path is not set; name the data set's folder with --data DIR")
    folder = place(data.path)
    if not folder.is_dir():
        raise UserError(f"data.path: there is no folder {folder}")
    return folder


def require_folder(folder: Folder, what: str) -> None:
    """Raises a UserError where a folder of the layout is missing."""
    if not folder.is_dir():
        raise UserError(f"data: the folder {folder} is missing; {what} must lie there")


def names_in(folder: Folder, endings: tuple[str, ...]) -> dict[str, list[str]]:
    """File names with one of the endings (in any case), by name without ending."""
    found: dict[str, list[str]] = {}
    for file in sorted(entry.name for entry in folder.iterdir()):
        stem, ending = os.path.splitext(file)
        if ending.lower() in endings and not file.startswith("."):
            found.setdefault(stem, []).append(file)
    return found


def read_list(file: Folder) -> list[str]:
    """Lines of a list that are neither empty nor comments.

    Raises:
        UserError: The list is missing or not text.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"data: the list {file} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"data: the list {file} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def is_plain_name(name: str) -> bool:
    """Whether a name is text and stands for a file in the folder itself, never above or below it."""
    is_text = not any("\ud800" <= character <= "\udfff" for character in name)
    return is_text and name not in ("", ".", "..") and not any(mark in name for mark in "/\\\0")


def unfit_names(lists: dict[str, list[str]]) -> dict[str, Note]:
    """Listed names that cannot be used: in two lists, or no plain file names.

    Args:
        lists: Names by the list's path below the data set's folder.

    Returns:
        A note by name.
    """
    notes: dict[str, Note] = {}
    seen: dict[str, str] = {}
    for file, names in lists.items():
        for name in names:
            if not is_plain_name(name):
                notes[name] = Note(file, f"{name!r} is no plain file name")
            elif seen.setdefault(name, file) != file:
                notes[name] = Note(file, f"{name} stands in {seen[name]} too")
    return notes
