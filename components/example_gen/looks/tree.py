"""All files of a data set by their paths, listed once, from a local folder or an object store."""

import os
import posixpath
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from petseg.errors import BrokenFileError, UserError
from petseg.files.image_file import PHOTO_ENDINGS
from petseg.files.object_store import StorePath, as_path, check_scheme, is_url

NO_DATA = ("__MACOSX", "lost+found")
"""Folders that programs leave behind."""

MAX_BYTES = 400_000_000
"""A larger file is no photo, mask or list."""


@dataclass(frozen=True)
class FileTree:
    """The files below a folder.

    Attributes:
        root: The folder, or its URL.
        files: Bytes of each file, by its path below the root with forward slashes, sorted.
    """

    root: str
    files: dict[str, int]

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Paths of the files that can be a photo or a mask."""
        return tuple(path for path in self.files if ending(path) in PHOTO_ENDINGS)

    @cached_property
    def folders(self) -> Counter[str]:
        """Number of files directly in each folder that has some; the root is the empty string."""
        return Counter(posixpath.dirname(path) for path in self.files)

    def with_ending(self, *endings: str) -> Iterator[str]:
        """Paths that end so, in any case."""
        return (path for path in self.files if ending(path) in endings)

    def has_folder(self, folder: str) -> bool:
        """Whether a folder below the root has files, in it or below it."""
        return any(name == folder or name.startswith(f"{folder}/") for name in self.folders)

    def read(self, path: str) -> bytes:
        """Content of a file.

        Raises:
            BrokenFileError: It cannot be read.
        """
        if self.files.get(path, 0) > MAX_BYTES:
            raise BrokenFileError(f"has {self.files[path]:,} bytes")
        try:
            return (as_path(self.root) / path).read_bytes()
        except FileNotFoundError:
            raise BrokenFileError("is missing") from None
        except OSError as error:
            raise BrokenFileError(f"cannot be read: {error.strerror}") from None

    def read_text(self, path: str) -> str:
        """Content of a text file as Windows, macOS and Linux write it.

        Raises:
            BrokenFileError: It cannot be read, or is not text.
        """
        content = self.read(path)
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            raise BrokenFileError(f"is not {encoding.removesuffix('-sig').upper()} text") from None


def list_tree(root: str, on_file: Callable[[int], None] = lambda found: None) -> FileTree:
    """Lists all files below a folder, but for hidden ones and those in hidden folders.

    Args:
        root: A local folder, or a URL of a store.
        on_file: Called with the number of files found so far.

    Raises:
        UserError: There is no such folder, or the store cannot be used.
    """
    check_scheme("--data", root)
    if not as_path(root).is_dir():
        raise UserError(f"--data: there is no folder {root}")
    found = _in_store(root) if is_url(root) else _in_folder(root)
    files: dict[str, int] = {}
    for path, size in found:
        if not any(part.startswith(".") or part in NO_DATA for part in path.split("/")):
            files[path] = size
            on_file(len(files))
    return FileTree(root, dict(sorted(files.items())))


def ending(path: str) -> str:
    """Ending of a path with its dot, in lower case."""
    return posixpath.splitext(path)[1].lower()


def stem(path: str) -> str:
    """File name of a path without its ending."""
    return posixpath.splitext(posixpath.basename(path))[0]


def _in_store(root: str) -> Iterator[tuple[str, int]]:
    for path, tag in StorePath(root).files_below().items():
        yield path, int(tag.partition(" ")[0])


def _in_folder(
    root: str, below: str = "", above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[str, int]]:
    folder = os.path.join(root, below)
    state = os.stat(folder)
    # The owner may link folders; a link to a folder above would never end.
    if (state.st_dev, state.st_ino) in above:
        return
    above |= {(state.st_dev, state.st_ino)}
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir():
                yield from _in_folder(root, path, above)
            else:
                yield path, _size(entry)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:
        # A link that leads nowhere; whoever reads it says so.
        return 0
