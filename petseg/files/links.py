"""Symbolic links to files that a person named."""

import os


def link_target(path: str) -> str:
    """What a link points to, for messages; the path itself if it is no link, or on an object store."""
    return os.readlink(path) if os.path.islink(path) else path
