"""The place of pushed models: one SavedModel a version, the highest is in production.

A place is a local folder (`folder.py`) or an `s3://` or `gs://` URL (`store.py`), each of which tells how it
keeps half models from being seen. Nothing here needs TensorFlow, so a run can ask for the version in
production before that is loaded.
"""

from pathlib import Path
from types import ModuleType

from petseg.errors import UserError
from petseg.files.object_store import is_url
from petseg.versions import folder, store
from petseg.versions.digest import model_digest

__all__ = [
    "NONE",
    "fetch_version",
    "list_versions",
    "model_digest",
    "production_version",
    "prune",
    "publish",
    "rollback",
    "version_digest",
]

NONE = "none"
"""What `production_version` says of a place without a model."""


def list_versions(directory: str | Path) -> list[int]:
    """Versions in the place, lowest first; one that does not exist has none."""
    return _kept_by(directory).list_versions(str(directory))


def production_version(directory: str | Path) -> str:
    """The version in production: the highest number, or `none`."""
    return str(max(list_versions(directory), default=NONE))


def version_digest(directory: str | Path, version: str) -> str:
    """The model_digest of a version in the place."""
    return _kept_by(directory).digest(str(directory), version)


def fetch_version(directory: str | Path, version: str, target: str | Path) -> None:
    """Copies the SavedModel of a version into a local folder, which is made.

    Raises:
        FileNotFoundError: There is no such version.
    """
    _kept_by(directory).fetch(str(directory), version, Path(target))


def publish(model: str | Path, directory: str | Path) -> str:
    """Copies a SavedModel into the place as its new highest version.

    Args:
        model: Folder of the SavedModel.
        directory: Place of versions; made if missing.

    Returns:
        The new version: UTC seconds, or one more than the highest number where the clock is behind that.
    """
    return _kept_by(directory).publish(Path(model), str(directory))


def prune(directory: str | Path, keep: int) -> list[str]:
    """Removes the oldest versions.

    Args:
        directory: Place of versions.
        keep: How many of the highest stay.

    Returns:
        The removed versions, lowest first.
    """
    return _kept_by(directory).prune(str(directory), keep)


def rollback(directory: str | Path, version: str | None = None) -> str:
    """Publishes an older version again under a new, higher number, which brings it back to production.

    Args:
        directory: Place of versions.
        version: The version to bring back; None: the highest whose model is not the one in production.

    Returns:
        The new version.

    Raises:
        UserError: If there is no such version, or none to go back to.
    """
    versions = list_versions(directory)
    if not versions:
        raise UserError(f"{directory}: no model has been pushed here, so there is none to go back to")
    *older, current = versions
    if version is not None:
        if not version.isdecimal() or int(version) not in older:
            choice = ", ".join(map(str, older)) or "none"
            raise UserError(
                f"{directory}: version must be one of the older ones ({choice}); received {version!r}"
            )
        return _kept_by(directory).publish_again(str(directory), version)
    digest = version_digest(directory, str(current))
    for candidate in reversed(older):
        if version_digest(directory, str(candidate)) != digest:
            return _kept_by(directory).publish_again(str(directory), str(candidate))
    raise UserError(f"{directory}: version {current} is the only model there, so there is none to go back to")


def _kept_by(directory: str | Path) -> ModuleType:
    """The module that knows how such a place keeps its versions."""
    return store if is_url(directory) else folder
