"""Pushed models on an object store, which has neither renames nor locks.

    DIR/<version>/...                  the SavedModel, `saved_model.pb` uploaded after all its other files
    DIR/.manifests/<version>.json      uploaded last: digest of the model, and its files with their sizes

A version exists once its manifest does, and an object appears whole or not at all. So there are only whole
models, whenever a process is killed. TensorFlow Serving, which does not know the manifest, looks for
`saved_model.pb`. A removal goes in the opposite order, manifest first. Two pushes into one folder must not
start in the same second.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from petseg.evaluation.exports import EXPORTS_FOLDER
from petseg.files.object_store import StorePath
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions.digest import model_digest
from petseg.versions.production import check_unchanged

MANIFESTS = ".manifests"
GRAPH = "saved_model.pb"
FIRST_NUMBER = 1_500_000_000
"""Versions are UTC seconds of a time after this. Lower numbers are of other programs."""

ABANDONED_AFTER_SECONDS = 24 * 3600
"""An upload of this age without a manifest is orphaned. A version's number is its start in UTC seconds."""


def list_versions(directory: str) -> list[int]:
    """Versions with a manifest, lowest first."""
    names = (entry.name for entry in (StorePath(directory) / MANIFESTS).iterdir())
    return sorted(int(name[:-5]) for name in names if name.endswith(".json") and _is_number(name[:-5]))


def foreign_models(directory: str) -> list[int]:
    """Numbers of models without a manifest that another program put here, lowest first.

    TensorFlow Serving serves them as it serves versions.
    """
    root, whole = StorePath(directory), list_versions(directory)
    return sorted(number for number in _numbers(root) if number not in whole and _is_foreign(root, number))


def publish(
    model: Path, directory: str, after: str | None, beside: Mapping[str, str | Path] | None = None
) -> str:
    """Uploads a SavedModel, and files beside it, as the new highest version.

    Returns:
        The version.

    Raises:
        ProductionChangedError: Version `after` is no longer in production.
    """
    root = StorePath(directory)
    check_unchanged(directory, list_versions(directory), after)
    begun = _numbers(root)
    _sweep(root, begun)
    version = str(max(int(time.time()), max([*begun, *list_versions(directory)], default=0) + 1))
    graph = model / GRAPH
    files = sorted(file for file in model.rglob("*") if file.is_file())
    for file in files:
        if file != graph:
            (root / version / file.relative_to(model).as_posix()).upload(file)
    for name, content in (beside or {}).items():
        if isinstance(content, Path):
            (root / version / name).upload(content)
        else:
            (root / version / name).write_bytes(content.encode())
    # Another push may have ended meanwhile. What this one leaves is removed a day later, as after a kill.
    check_unchanged(directory, list_versions(directory), after)
    (root / version / graph.name).upload(graph)
    sizes = {file.relative_to(model).as_posix(): file.stat().st_size for file in files}
    manifest = json.dumps({"sha256": model_digest(model), "files": sizes}, indent=1)
    _manifest(root, version).write_bytes(manifest.encode())
    return version


def publish_again(directory: str, version: str, after: str) -> str:
    """Publishes a version again as the new highest, through a local copy; returns the new version.

    Raises:
        ProductionChangedError: Version `after` is no longer in production.
    """
    with tempfile.TemporaryDirectory() as scratch:
        _download(directory, version, Path(scratch), with_exports=True)
        return publish(Path(scratch), directory, after)


def prune(directory: str, keep: int) -> list[str]:
    """Removes all but the `keep` highest versions; returns the removed ones, lowest first."""
    root = StorePath(directory)
    removed = [str(version) for version in list_versions(directory)[:-keep]]
    for version in removed:
        _manifest(root, version).unlink()
        (root / version / GRAPH).unlink()
        (root / version).remove_all()
    return removed


def digest(directory: str, version: str) -> str:
    """The model_digest of a version, from its manifest; FileNotFoundError if there is none."""
    return json.loads(_manifest(StorePath(directory), version).read_text())["sha256"]


def fetch(directory: str, version: str, target: Path) -> None:
    """Copies a version's SavedModel into a local folder, which is created; without exported files.

    Raises:
        FileNotFoundError: There is no such version, or it is being removed.
    """
    _download(directory, version, target, with_exports=False)


def _download(directory: str, version: str, target: Path, *, with_exports: bool) -> None:
    root = StorePath(directory)
    files = json.loads(_manifest(root, version).read_text())["files"]
    left_out = "" if with_exports else f"{EXPORTS_FOLDER}/"
    (root / version).download(target, left_out)
    for name, size in files.items():
        if left_out and name.startswith(left_out):
            continue
        if (target / name).stat().st_size != size:
            raise FileNotFoundError(f"{root}/{version}/{name} does not have the {size} bytes of its manifest")


def _sweep(root: StorePath, begun: list[int]) -> None:
    """Removes what killed pushes and removals left."""
    whole = list_versions(str(root))
    for version in begun:
        is_old = FIRST_NUMBER < version < time.time() - ABANDONED_AFTER_SECONDS
        if is_old and version not in whole and not _is_foreign(root, version):
            (root / str(version)).remove_all()


def _is_foreign(root: StorePath, number: int) -> bool:
    """Whether a model without a manifest is none that a killed push left."""
    model = root / str(number)
    return (model / GRAPH).exists() and not (model / MODEL_SETTINGS).exists()


def _numbers(root: StorePath) -> list[int]:
    return [int(entry.name) for entry in root.iterdir() if _is_number(entry.name)]


def _manifest(root: StorePath, version: str) -> StorePath:
    return root / MANIFESTS / f"{version}.json"


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()
