"""The files of a split: all shards of one writer, or an error."""

import re
from collections.abc import Iterable

import tensorflow as tf

from petseg.errors import UserError

SHARD = re.compile(r"^(?P<name>.*)-(?P<index>\d{5})-of-(?P<count>\d{5})(?P<ending>\.[^/]*)?$")


def shard_files(patterns: Iterable[str]) -> list[str]:
    """Returns the files that match, sorted.

    Shards are named `...-00000-of-00003...`. Those of an earlier writer in the same folder would be read as
    more examples, so all must be of one writer, and none may be missing.

    Args:
        patterns: File patterns, each of one folder.

    Raises:
        UserError: The shards of a folder are not those of one writer.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> (folder / "data-00000-of-00001.gz").touch()
        >>> [pathlib.Path(file).name for file in shard_files([f"{folder}/*"])]
        ['data-00000-of-00001.gz']
    """
    files: list[str] = []
    for pattern in patterns:
        found = sorted(tf.io.gfile.glob(pattern))
        _check_one_writer(pattern, found)
        files += found
    return files


def _check_one_writer(pattern: str, files: list[str]) -> None:
    shards = [match for match in map(SHARD.match, files) if match]
    writers = {(shard["name"], shard["count"], shard["ending"]) for shard in shards}
    expected = int(shards[0]["count"]) if shards else len(files)
    if len(writers) > 1 or len(files) != expected:
        raise UserError(
            f"{pattern}: the {len(files)} files are not the shards of one writer ({files[0]}, {files[-1]}); "
            "delete the folder of this artifact and run again"
        )
