"""The folder of pushed models: one SavedModel a version, the highest is in production.

Nothing here needs TensorFlow, so a run can ask for the version in production before that is loaded. A version
appears by one rename of a complete, synced copy and disappears by one rename: whoever reads (TensorFlow
Serving, ProductionModel), whatever is killed, there are whole models only. `s3://` and `gs://` have no
rename; what holds there, and how, is told in store_versions.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components import store_versions
from components.object_store import is_url
from trainer.errors import UserError

NONE = "none"
"""What `production_version` says of a folder without a model."""

_PARTIAL_SUFFIX = ".partial"
_LOCK_FILE = ".lock"


def list_versions(directory: str | Path) -> list[int]:
    """Versions in the folder, lowest first; a folder that does not exist has none."""
    if is_url(directory):
        return store_versions.list_versions(str(directory))
    return sorted(
        v for v in _numbers(Path(directory)) if (Path(directory) / str(v) / "saved_model.pb").exists()
    )


def production_version(directory: str | Path) -> str:
    """The version in production: the highest number, or `none`."""
    return str(max(list_versions(directory), default=NONE))


def model_digest(model: str | Path) -> str:
    """SHA-256 over the names and contents of all files of a SavedModel.

    Equal digests mean the same model to the byte. The graph counts, not only the weights: the same weights
    with a repaired signature are another model, which must be pushed. Two exports differ even where their
    weights do not (TensorFlow numbers its functions), so a model that was trained again counts as new.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in Path(model).rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(model).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def version_digest(directory: str | Path, version: str) -> str:
    """The model_digest of a version in the folder."""
    if is_url(directory):
        return store_versions.digest(str(directory), version)
    return model_digest(Path(directory, version))


def fetch_version(directory: str | Path, version: str, folder: str | Path) -> None:
    """Copies the SavedModel of a version into a local folder, which is made.

    Raises:
        FileNotFoundError: There is no such version.
    """
    if is_url(directory):
        store_versions.download(str(directory), version, Path(folder))
    else:
        shutil.copytree(Path(directory, version), folder)


def publish(model: str | Path, directory: str | Path) -> str:
    """Copies a SavedModel into the folder as its new highest version.

    In a local folder the copy is made beside its place and renamed when it is on the disk. What an earlier,
    killed push left behind is swept first; a lock keeps two pushes apart and dies with its process.

    Args:
        model: Folder of the SavedModel.
        directory: Folder of versions; made if missing.

    Returns:
        The new version: UTC seconds, or one more than the highest number where the clock is behind that.
    """
    if is_url(directory):
        return store_versions.publish(Path(model), model_digest(model), str(directory))
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        _sweep(directory)
        version = str(max(int(time.time()), max(_numbers(directory), default=0) + 1))
        partial = _partial(directory, version)
        shutil.copytree(model, partial)
        _sync_tree(partial)
        partial.rename(directory / version)
        _sync(directory)
    return version


def prune(directory: str | Path, keep: int) -> list[str]:
    """Removes the oldest versions.

    Args:
        directory: Folder of versions.
        keep: How many of the highest stay.

    Returns:
        The removed versions, lowest first.
    """
    if is_url(directory):
        removed = [str(version) for version in list_versions(directory)[:-keep]]
        store_versions.remove(str(directory), removed)
        return removed
    directory = Path(directory)
    with _locked(directory):
        removed = [str(version) for version in list_versions(directory)[:-keep]]
        for version in removed:
            (directory / version).rename(_partial(directory, version))
        _sweep(directory)
    return removed


def rollback(directory: str | Path, version: str | None = None) -> str:
    """Publishes an older version again under a new, higher number, which brings it back to production.

    Args:
        directory: Folder of versions.
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
        return _publish_again(directory, version)
    digest = version_digest(directory, str(current))
    for candidate in reversed(older):
        if version_digest(directory, str(candidate)) != digest:
            return _publish_again(directory, str(candidate))
    raise UserError(f"{directory}: version {current} is the only model there, so there is none to go back to")


def _publish_again(directory: str | Path, version: str) -> str:
    if not is_url(directory):
        return publish(Path(directory, version), directory)
    with tempfile.TemporaryDirectory() as scratch:
        fetch_version(directory, version, scratch)
        return publish(scratch, directory)


def _numbers(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    return [
        int(p.name) for p in directory.iterdir() if p.name.isascii() and p.name.isdecimal() and p.is_dir()
    ]


def _partial(directory: Path, version: str) -> Path:
    return directory / f".{version}{_PARTIAL_SUFFIX}"


def _sweep(directory: Path) -> None:
    for partial in directory.glob(f".*{_PARTIAL_SUFFIX}"):
        shutil.rmtree(partial)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / _LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync_tree(root: Path) -> None:
    for path in (*root.rglob("*"), root):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
