"""Whether a local folder can be written, found out before hours of training."""

import contextlib
import itertools
import os
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
    missing = _missing_folders(Path(folder).absolute())
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
        # Only empty ones: another run may have begun to write there.
        with contextlib.suppress(OSError):
            for made in missing:
                made.rmdir()


def _missing_folders(folder: Path) -> list[Path]:
    """The folder and those above it that do not exist, deepest first."""
    return list(itertools.takewhile(lambda path: not os.path.lexists(path), (folder, *folder.parents)))
