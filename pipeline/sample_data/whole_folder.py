"""Sample folders that appear whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from petseg.errors import UserError

MARKER = ".sample.json"
# Increase it when the drawings change, so that an older sample does not count as the same.
VERSION = 1
# The first four pairs cover train, eval and test; with 8, train and test have more than one.
MINIMUM_PAIRS = 8


class SampleError(UserError, ValueError):
    """A sample cannot be written: too few pairs, or a folder with other content."""


def check_request(pairs: int, seed: int) -> None:
    """Raises SampleError if `pairs` is too small for all splits, or `seed` is negative."""
    if pairs < MINIMUM_PAIRS:
        raise SampleError(
            f"pairs must be {MINIMUM_PAIRS} or more, so that no split is empty; received {pairs}"
        )
    if seed < 0:
        raise SampleError(f"seed must be 0 or more; received {seed}")


@contextmanager
def whole_folder(output: Path, marker: dict[str, object]) -> Iterator[Path | None]:
    """Yields a temporary folder beside `output`, which is renamed to `output` after the body.

    Args:
        output: Folder to create; missing, empty, or with the same sample.
        marker: The sample's arguments, written into it and compared with those of an existing one.

    Yields:
        The folder to write into, or None if `output` already holds this sample.

    Raises:
        SampleError: `output` is a file or has other content.
    """
    marker = {"version": VERSION, **marker}
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        if _read_marker(output) == marker:
            yield None
            return
        raise SampleError(
            f"{output} must be missing or empty for a sample to be written; it has other content"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        yield building
        (building / MARKER).write_text(json.dumps(marker, sort_keys=True) + "\n", encoding="ascii")
        # mkdtemp creates a private folder; a sample gets the usual permissions.
        building.chmod(0o777 & ~_umask())
        os.replace(building, output)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _read_marker(output: Path) -> object:
    try:
        return json.loads((output / MARKER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
