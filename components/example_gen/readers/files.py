"""Folders and lists as readers look at them, with errors for the person who chose them."""

import codecs
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from components.example_gen.pairs import Note
from components.example_gen.readers.patterns import composed
from components.example_gen.settings import DataSettings
from components.example_gen.storage.disk_index import DiskIndex
from components.example_gen.storage.spool import Spool
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


def read_text(file: Folder, what: str = "list") -> str:
    """Text of a file in UTF-8 or UTF-16, with or without a byte order mark.

    Raises:
        UserError: The file is missing or is not text.
    """
    try:
        content = file.read_bytes()
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"data: the {what} {file} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"data: the {what} {file} cannot be read: {error}") from None


def read_list(file: Folder) -> list[str]:
    """Lines of a list that are neither empty nor comments.

    Raises:
        UserError: The list is missing or is not text.
    """
    lines = (line.strip() for line in read_text(file).splitlines())
    return [composed(line) for line in lines if line and not line.startswith("#")]


class FileTree:
    """The visible files in some folders of a data set, and what there is in place of one that is missing."""

    def __init__(self, folder: Folder, below: Iterable[str]):
        """Lists all files in folders of the data set, but for those whose path has a part with a leading dot.

        Args:
            folder: The data set's folder.
            below: Folders below it; `.` is the data set's folder itself.

        Attributes:
            paths: The files, by path below the data set's folder.
            hidden: Number of the others.
        """
        self.root = str(folder)
        self.hidden = 0
        starts = sorted(set(below))
        wanted = [start for start in starts if not any(_is_within(start, other) for other in starts)]
        found = DiskIndex((path, "") for start in wanted for path in self._visible_files(folder, start))
        self.paths: Sequence[str] = Spool(path for path, _ in found.items())

    def _visible_files(self, folder: Folder, start: str) -> Iterator[str]:
        for path in _files_below(folder, start):
            if any(part[0] == "." for part in path.split("/")):
                self.hidden += 1
            else:
                yield path

    # Most layouts look files up in one way.

    @cached_property
    def _by_path(self) -> DiskIndex:
        return DiskIndex((composed(path), path) for path in self.paths)

    @cached_property
    def _by_stem(self) -> DiskIndex:
        """Files by path without ending."""
        return DiskIndex((composed(os.path.splitext(path)[0]), path) for path in self.paths)

    @cached_property
    def _by_name(self) -> DiskIndex:
        return DiskIndex((composed(posixpath.basename(path)), path) for path in self.paths)

    @cached_property
    def _folded(self) -> DiskIndex:
        return DiskIndex((composed(path).casefold(), path) for path in self.paths)

    def file(self, path: str) -> str | None:
        """The file of a composed path."""
        return next(iter(self._by_path[path]), None)

    def with_any_ending(self, stem: str, endings: tuple[str, ...]) -> list[str]:
        """Files of a composed path without ending, whose ending is one of these, in any case."""
        return [path for path in self._by_stem[stem] if path.lower().endswith(endings)]

    def named(self, name: str) -> list[str]:
        """Files of a composed file name, in any folder."""
        return self._by_name[name]

    def missing(self, path: str, advice: str = "") -> Note:
        """Says that a file is missing, and what lies there in its place.

        Args:
            path: The file, composed.
            advice: What to do where a file of the same name but with another ending is there.
        """
        stem = os.path.splitext(path)[0]
        following = self._folded.from_key(stem.casefold(), 3)
        near = [file for folded, file in following if folded.startswith(stem.casefold())]
        if not near:
            return Note(path, "is missing")
        reason = f"is missing; {near[0]} is there"
        other_stem = composed(os.path.splitext(near[0])[0])
        if other_stem == stem:
            return Note(path, f"{reason}: {advice}" if advice else reason)
        if other_stem.casefold() == stem.casefold():
            return Note(path, f"{reason}: upper and lower case differ")
        if other_stem[len(stem) :][:1] in ("_", "-", ".") and "/" not in other_stem[len(stem) :]:
            return Note(path, f"{reason}: patterns in data.photos and data.masks can name it")
        return Note(path, "is missing")


def _files_below(folder: Folder, start: str) -> Iterator[str]:
    """Paths below the data set's folder of all files in one of its folders."""
    if isinstance(folder, StorePath):
        for name in (folder / start).files_below():
            yield name if start == "." else f"{start}/{name}"
        return
    seen: set[str] = set()
    waiting = [os.path.join(folder, start)]
    while waiting:
        parent = waiting.pop()
        real = os.path.realpath(parent)
        if real in seen or not os.access(parent, os.R_OK | os.X_OK) or not os.path.isdir(parent):
            continue
        seen.add(real)
        relative = os.path.relpath(parent, folder).replace(os.sep, "/")
        # One entry after another, where os.walk would list a folder of 100,000 files first.
        with os.scandir(parent) as entries:
            for entry in entries:
                if _is_folder(entry):
                    waiting.append(entry.path)
                else:
                    yield entry.name if relative == "." else f"{relative}/{entry.name}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself, or to where nobody may look.
        return False


def _is_within(path: str, other: str) -> bool:
    """Whether a folder is in another one of the list."""
    return path != other and (other == "." or path.startswith(f"{other}/"))
