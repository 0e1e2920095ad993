"""Unpacks untrusted archives: regular files below one folder, and nothing else."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath


class UnpackError(ValueError):
    """An archive is broken or holds forbidden entries. The message continues the archive's name."""


def unpack(file: Path, folder: str, building: Path) -> None:
    """Unpacks a gzipped tar.

    Args:
        file: The archive.
        folder: The one folder that it may hold.
        building: Where that folder is made; after an error it may hold a part.

    Raises:
        UnpackError: The archive is broken, lacks the folder, or holds links, devices or paths elsewhere.
    """
    try:
        with tarfile.open(file, "r:gz") as members:
            for member in members:
                _extract(members, member, folder, building)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnpackError(f"cannot be unpacked: {error}") from error
    if not (building / folder).is_dir():
        raise UnpackError(f"must hold the folder {folder}/; it does not")


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, folder: str, building: Path) -> None:
    path = PurePosixPath(member.name)
    inside = not path.is_absolute() and ".." not in path.parts and path.parts[:1] in ((), (folder,))
    if not inside or not (member.isfile() or member.isdir()):
        raise UnpackError(
            f"must hold plain files below {folder}/ only; it holds {member.name!r}; nothing was unpacked"
        )
    # The official archive carries macOS' resource forks, which look like masks but are none.
    if path.name.startswith("._"):
        return
    target = building / path
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = members.extractfile(member)
    assert source is not None  # Only None for what is no file.
    with source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy)
