"""Writes files that are whole or not there, whatever is killed meanwhile."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from petseg.files.object_store import StorePath, is_url


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str], synced: bool = True) -> Iterator[Path]:
    """Gives a temporary file that becomes `path` when the body ends, and is removed when the body raises.

    Until then `path` keeps its old content. On a local disk the temporary file lies in the same folder; it is
    synced and renamed, and so is on the disk when this returns. On an object store, where an object appears
    whole or not at all, it is a local file that is uploaded.

    Args:
        path: A local file, whose folder is made if missing, or an s3:// or gs:// URL.
        synced: Whether it must be on the disk when this returns. Of thousands of files that can be made
            again, waiting for the disk takes longer than making them.

    Yields:
        The file to write. It does not exist yet.

    Examples:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "table.csv")
        >>> with atomic_file(file) as unfinished, unfinished.open("w") as lines:
        ...     _ = lines.write("a,b")
        >>> file.read_text()
        'a,b'
    """
    if is_url(path):
        with tempfile.TemporaryDirectory() as folder:
            unfinished = Path(folder, "content")
            yield unfinished
            StorePath(str(path)).upload(unfinished)
        return
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.partial")
    unfinished.unlink(missing_ok=True)
    try:
        yield unfinished
        if synced:
            sync(unfinished)
        unfinished.replace(file)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and str(error.filename) == str(unfinished):
            # Nobody knows the temporary one.
            error.filename = str(file)
        raise
    if synced:
        sync(file.parent)


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Writes a file, text as UTF-8. Readers see the old content or the new one; see `atomic_file`."""
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)


def sync(path: Path) -> None:
    """Returns when the file's content, or the folder's list of files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
