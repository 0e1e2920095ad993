"""Unpacks untrusted archives: only regular files below one folder."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath


class UnpackError(ValueError):
    """An archive is broken or has forbidden entries. The message follows the archive's name."""


def unpack(file: Path, folder: str, building: Path) -> None:
    """Unpacks a gzipped tar.

    Args:
        file: The archive.
        folder: The only folder that the archive may contain.
        building: Where to create that folder; after an error it may be incomplete.

    Raises:
        UnpackError: The archive is broken, lacks the folder, or has links, devices or paths elsewhere.
    """
    try:
        with tarfile.open(file, "r:gz") as members:
            for member in members:
                _extract(members, member, folder, building)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnpackError(f"cannot be unpacked: {error}") from error
    if not (building / folder).is_dir():
        raise UnpackError(f"must contain the folder {folder}/")


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, folder: str, building: Path) -> None:
    path = PurePosixPath(member.name)
    inside = not path.is_absolute() and ".." not in path.parts and path.parts[:1] in ((), (folder,))
    if not inside or not (member.isfile() or member.isdir()):
        raise UnpackError(
            f"must contain only regular files below {folder}/; received {member.name!r}; nothing was unpacked"
        )
    # The official archive has macOS resource forks, whose names look like those of masks.
    if path.name.startswith("._"):
        return
    target = building / path
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = members.extractfile(member)
    assert source is not None  # None only for entries that are not files.
    with source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy)
