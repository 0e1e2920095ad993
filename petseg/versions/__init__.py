"""The push folder: one SavedModel per version; the highest version is in production.

It is a local folder (`folder.py`) or an `s3://` or `gs://` URL (`store.py`). Each module says how it hides
incomplete models. Nothing here needs TensorFlow, so a run can look up the version in production before it
loads TensorFlow.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from petseg.errors import UserError
from petseg.evaluation.files import EVALUATION_FILE
from petseg.files.object_store import as_path, is_url
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions import folder, store
from petseg.versions.digest import model_digest
from petseg.versions.production import NONE, ProductionChangedError, highest
from petseg.versions.withdrawn import allow, withdraw, withdrawal

__all__ = [
    "NONE",
    "ProductionChangedError",
    "check_production_model",
    "fetch_version",
    "list_versions",
    "model_digest",
    "production_version",
    "prune",
    "publish",
    "rollback",
    "version_digest",
    "version_evaluation",
    "withdrawal",
]


def list_versions(directory: str | Path) -> list[int]:
    """Versions in the push folder, lowest first; a folder that does not exist has none."""
    return _kept_by(directory).list_versions(str(directory))


def production_version(directory: str | Path) -> str:
    """The version in production: the highest number, or `none`."""
    return highest(list_versions(directory))


def version_digest(directory: str | Path, version: str) -> str:
    """The model_digest of a version in the push folder."""
    return _kept_by(directory).digest(str(directory), version)


def version_evaluation(directory: str | Path, version: str) -> dict[str, Any] | None:
    """How a version was evaluated before its push, as Evaluator wrote it; None where that is not known."""
    try:
        return json.loads((as_path(str(directory)) / version / EVALUATION_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None


def fetch_version(directory: str | Path, version: str, target: str | Path) -> None:
    """Copies the SavedModel of a version into a local folder, which is created; without exported files.

    Raises:
        FileNotFoundError: There is no such version.
    """
    _kept_by(directory).fetch(str(directory), version, Path(target))


def check_production_model(directory: str | Path, version: str | None = None) -> None:
    """Checks that the model in production, if any, is one that this project exported.

    Args:
        directory: Folder of versions.
        version: Of the model; None: the highest.

    Raises:
        UserError: It has no settings, so a new model cannot be compared with it.
    """
    version = version or highest(
        [*list_versions(directory), *_kept_by(directory).foreign_models(str(directory))]
    )
    if version != NONE and not (as_path(str(directory)) / version / MODEL_SETTINGS).exists():
        raise UserError(
            f"push.directory: {directory}/{version} is not a model of this pipeline ({MODEL_SETTINGS} is "
            "missing), and no new model can be compared with it; set another push.directory, or move "
            f"{version} away"
        )


def publish(
    model: str | Path,
    directory: str | Path,
    after: str | None = None,
    beside: Mapping[str, str | Path] | None = None,
) -> str:
    """Copies a SavedModel into the push folder as the new highest version.

    Args:
        model: Folder of the SavedModel.
        directory: The push folder; created if missing.
        after: The version that must still be in production, or `none`; None: not checked. In a local
            folder a lock guarantees it. On an object store, another push can still come just before the
            last write.
        beside: Files beside the model, see BESIDE_THE_MODEL in digest.py: by path in the version, the text or
            a file to copy.

    Returns:
        The new version: UTC seconds, or one more than the highest number if the clock is behind.

    Raises:
        ProductionChangedError: `after` is no longer in production.
    """
    return _kept_by(directory).publish(Path(model), str(directory), after, beside)


def prune(directory: str | Path, keep: int) -> list[str]:
    """Removes the oldest versions.

    Args:
        directory: The push folder.
        keep: How many of the highest stay.

    Returns:
        The removed versions, lowest first.
    """
    return _kept_by(directory).prune(str(directory), keep)


def rollback(directory: str | Path, version: str | None = None) -> str:
    """Publishes an older version again under a new, higher number, which brings it back to production.

    The model that it replaces is withdrawn: Pusher does not push it again.

    Args:
        directory: The push folder.
        version: The version to restore, even if it is withdrawn; None: the highest version whose model is
            neither in production nor withdrawn.

    Returns:
        The new version.

    Raises:
        UserError: There is no such version or none to go back to, or production changed meanwhile.
    """
    versions = list_versions(directory)
    if not versions:
        raise UserError(f"{directory}: no model has been pushed here, so there is none to go back to")
    *older, current = map(str, versions)
    if version is not None and version not in older:
        raise UserError(
            f"{directory}: version must be one of the older ones ({', '.join(older) or 'none'}); "
            f"received {version!r}"
        )
    replaced = version_digest(directory, current)
    target = version or _last_good(directory, older, current, replaced)
    restored = version_digest(directory, target)
    if restored != replaced:
        # First, so that the replaced model stays withdrawn even if this process is killed now.
        withdraw(directory, replaced, current)
    new = _kept_by(directory).publish_again(str(directory), target, after=current)
    allow(directory, restored)
    return new


def _last_good(directory: str | Path, older: list[str], current: str, replaced: str) -> str:
    """The highest older version of another model that is not withdrawn."""
    others = {version: version_digest(directory, version) for version in reversed(older)}
    others = {version: digest for version, digest in others.items() if digest != replaced}
    for version, digest in others.items():
        if withdrawal(directory, digest) is None:
            return version
    if not others:
        raise UserError(
            f"{directory}: version {current} is the only model there, so there is none to go back to"
        )
    raise UserError(
        f"{directory}: the models before version {current} are withdrawn ({', '.join(reversed(others))}); "
        "bring one back with --version N"
    )


def _kept_by(directory: str | Path) -> ModuleType:
    """The module for this kind of push folder."""
    return store if is_url(directory) else folder
