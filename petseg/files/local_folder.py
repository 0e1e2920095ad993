"""Whether a local folder can be written, found out before hours of training."""

import os
import shutil
import tempfile
from pathlib import Path

from petseg.errors import UserError

PROBE_BYTES = 1 << 20


def check_writable_folder(key: str, folder: str | os.PathLike[str]) -> None:
    """Writes a file into a folder and deletes it again, with the folders that it had to make.

    Args:
        key: The setting that names the folder.
        folder: A local folder; it may be missing.

    Raises:
        UserError: It cannot be made or written, or the disk is full.
    """
    missing = _topmost_missing(Path(folder).absolute())
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".write_check") as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise UserError(
            f"{key}: the folder {folder} cannot be written: {error.strerror or error}; set another one, or "
            "make this one writable"
        ) from None
    finally:
        if missing is not None:
            shutil.rmtree(missing, ignore_errors=True)


def _topmost_missing(folder: Path) -> Path | None:
    """The highest folder that would have to be made; None if the folder exists."""
    missing = None
    for path in (folder, *folder.parents):
        if os.path.lexists(path):
            break
        missing = path
    return missing
