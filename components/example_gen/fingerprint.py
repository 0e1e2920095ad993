"""Tells whether a data set changed since it was last read."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from components.example_gen.listing import watched
from components.example_gen.settings import DataSettings
from petseg.files.object_store import StorePath, is_url


def fingerprint(data: DataSettings) -> str:
    """Hashes every file that a reader looks at.

    With `data.fingerprint` "stat", a file's name, size and time of change count; with "content", its name and
    content.

    Returns:
        Hex digest. It changes when a photo, mask or list is added, removed or changed. A missing data set
        has a digest too, and the reader reports it.
    """
    digest = hashlib.sha256()
    if data.path is None:
        return digest.hexdigest()
    if is_url(data.path):
        return _fingerprint_of_store(StorePath(data.path), data)
    for start in watched(data):
        for path in _files(str(Path(data.path, start))):
            digest.update(f"{os.path.relpath(path, data.path)}\0{_state(path, data.fingerprint)}\n".encode())
    return digest.hexdigest()


def _fingerprint_of_store(root: StorePath, data: DataSettings) -> str:
    """As `fingerprint`, with the store's own tag of a file: a time, on S3 a hash of the content."""
    digest = hashlib.sha256()
    for start in watched(data):
        for name, tag in (root / start).files_below().items():
            file = root / start / name
            state = hashlib.sha256(file.read_bytes()).hexdigest() if data.fingerprint == "content" else tag
            digest.update(f"{start}/{name}\0{state}\n".encode())
    return digest.hexdigest()


def _files(path: str) -> Iterator[str]:
    """The file itself, or all files in the folder and its subfolders, sorted."""
    if not os.path.isdir(path):
        if os.path.lexists(path):
            yield path
        return
    with os.scandir(path) as entries:
        for name in sorted(entry.name for entry in entries):
            yield from _files(os.path.join(path, name))


def _state(path: str, kind: str) -> str:
    try:
        if kind == "content":
            with open(path, "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()
        stat = os.stat(path)
    except OSError:
        return "unreadable"
    return f"{stat.st_size} {stat.st_mtime_ns}"
