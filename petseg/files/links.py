"""Symbolic links to files that a person named, and hard links in place of copies."""

import os
import shutil
from pathlib import Path


def link_target(path: str) -> str:
    """What a link points to, for messages; the path itself if it is no link, or on an object store."""
    return os.readlink(path) if os.path.islink(path) else path


def link_tree(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Makes a folder with the same files: hard links where the file system allows them, else copies.

    Only for files that nothing changes in place, such as those of a model: a change would show in both. Each
    of the two may be deleted without the other.

    Args:
        source: A folder.
        target: Created with the folders above it; may exist.

    Raises:
        FileNotFoundError: There is no such folder.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "model").mkdir()
        >>> _ = (folder / "model" / "weights").write_text("1 2 3")
        >>> link_tree(folder / "model", folder / "pushed")
        >>> (folder / "pushed" / "weights").read_text()
        '1 2 3'
    """
    shutil.copytree(source, target, copy_function=_link_or_copy, dirs_exist_ok=True)


def _link_or_copy(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # another file system, one without hard links, or one that has no more
        shutil.copy2(source, target)
    return target
