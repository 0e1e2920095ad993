"""Pushed models in a local folder, with atomic renames and a lock.

A version appears by one rename of a complete, synced copy, and disappears by one rename. So readers such as
TensorFlow Serving and ProductionModel see only whole models, whenever a process is killed. A push removes
what a killed push left. The lock allows one push at a time, and is released when its process ends.
"""

import contextlib
import fcntl
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from petseg.evaluation.exports import EXPORTS_FOLDER
from petseg.files.atomic import sync
from petseg.files.links import link_tree
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions.digest import model_digest
from petseg.versions.production import check_unchanged

_PARTIAL_SUFFIX = ".partial"
_LOCK_FILE = ".lock"


def list_versions(directory: str) -> list[int]:
    """Versions in the folder, lowest first; a folder that does not exist has none."""
    return sorted(v for v in _numbers(Path(directory)) if Path(directory, str(v), "saved_model.pb").exists())


def foreign_models(directory: str) -> list[int]:
    """Numbers of models that another program put here and that are no versions: none, every model is one."""
    return []


def digest(directory: str, version: str) -> str:
    """The model_digest of a version."""
    return model_digest(Path(directory, version))


def fetch(directory: str, version: str, target: Path) -> None:
    """Brings a version's SavedModel into a local folder, by hard links where possible, without
    exported files.

    Raises:
        FileNotFoundError: There is no such version.
    """
    link_tree(Path(directory, version), target)
    shutil.rmtree(target / EXPORTS_FOLDER, ignore_errors=True)


def publish(
    model: Path, directory: str, after: str | None, beside: Mapping[str, str | Path] | None = None
) -> str:
    """Makes a SavedModel, with files beside it, the new highest version; returns the version.

    Its files are hard links where the file system allows them: a model's files never change.

    Raises:
        ProductionChangedError: Version `after` is no longer in production.
    """
    root = Path(directory)
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        check_unchanged(directory, list_versions(directory), after)
        _sweep(root)
        version = str(max(int(time.time()), max(_numbers(root), default=0) + 1))
        partial = _partial(root, version)
        link_tree(model, partial)
        for name, content in (beside or {}).items():
            file = partial / name
            file.parent.mkdir(exist_ok=True)
            # Written in place, it would change the file that it is a link to.
            file.unlink(missing_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, file)
            else:
                file.write_text(content, encoding="utf-8")
        _sync_tree(partial)
        partial.rename(root / version)
        sync(root)
    return version


def publish_again(directory: str, version: str, after: str) -> str:
    """Publishes a version again as the new highest; returns the new version. Raises as `publish`."""
    return publish(Path(directory, version), directory, after)


def prune(directory: str, keep: int) -> list[str]:
    """Removes all but the `keep` highest versions; returns the removed ones, lowest first.

    Models that another program put here are neither counted nor removed.
    """
    root = Path(directory)
    with _locked(root):
        versions = map(str, list_versions(directory))
        ours = [version for version in versions if (root / version / MODEL_SETTINGS).exists()]
        removed = ours[:-keep]
        for version in removed:
            (root / version).rename(_partial(root, version))
        _sweep(root)
    return removed


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
        sync(path)
