"""Errors that the person at the command line can fix, broken files, and what the system's errors mean."""

import errno
import os
from collections.abc import Iterable

REMEDIES = {
    errno.EACCES: "name another one, or allow this user to read and write there",
    errno.EPERM: "name another one, or allow this user to read and write there",
    errno.EROFS: "name one on a disk that can be written",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "name a path whose folders are folders",
    errno.EEXIST: "name a path that does not exist, or a folder",
    errno.EISDIR: "name a file",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.ENAMETOOLONG: "shorten the name",
}
"""What the caller can do, by the number of the system's error."""


class UserError(Exception):
    """An error that the user can fix. Its message is one line: what is wrong, where, and what would be right.

    Attributes:
        exit_status: Exit status of the command line: 2, the caller must change something.
    """

    exit_status = 2


class BrokenFileError(Exception):
    """A file that cannot be used. The message is the reason, such as `is missing`."""


def describe_error(error: UserError | OSError) -> str:
    """One line for the user: of an error of the operating system the file, what is wrong, and the remedy."""
    if isinstance(error, UserError):
        return str(error)
    # Of two files, as in a rename, the second is the one that the caller named.
    file = error.filename2 or error.filename
    reason = " ".join((error.strerror or str(error) or type(error).__name__).split())
    where = "" if file is None else f"{os.fsdecode(file) if isinstance(file, bytes) else file}: "
    remedy = REMEDIES.get(error.errno or 0)
    return f"{where}{reason}" + (f"; {remedy}" if remedy else "")


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names in a message: all, or the first ones and how many more there are."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
