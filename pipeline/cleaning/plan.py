"""`clean`: removes the artifacts of an output folder that no kept run, no production and no cache needs."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.saved_model import SERVING_FOLDER
from petseg.versions import NONE, model_digest, production_version, version_digest
from pipeline.runners.local.metadata.unknown_artifacts import state_of_maker

SUCCEEDED = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)

Tail = tuple[str, ...]
"""The end of an artifact's path: node, output and execution. An output folder may be moved or copied."""


@dataclass(frozen=True)
class ArtifactFolder:
    """A folder of one output of one execution.

    Attributes:
        path: `pipeline_root/NODE/OUTPUT/EXECUTION` in the output folder.
        bytes: What its removal frees. A file that is linked from a folder that stays, such as a pushed
            version, frees nothing.
    """

    path: Path
    bytes: int


@dataclass(frozen=True)
class Cleaning:
    """What is removed and what stays.

    Attributes:
        removed: The folders to remove.
        kept_runs: Why the artifacts of a run stay, by the run's id.
        kept_bytes: Size of the artifacts that stay.
    """

    removed: list[ArtifactFolder]
    kept_runs: dict[str, str]
    kept_bytes: int

    @property
    def freed_bytes(self) -> int:
        """Bytes that the removal frees."""
        return sum(folder.bytes for folder in self.removed)


def plan_cleaning(
    store: MetadataStore, output: Path, push_directory: str, keep: int, examples: Iterable[str]
) -> Cleaning:
    """Decides what no run needs any more. Nothing is changed.

    Kept is what these runs made, reused or read: the `keep` newest runs with a report and all runs since the
    oldest of them, whose results the next run reuses; the run that made the model in production; runs whose
    examples an unfinished training was trained on; and runs of other output folders that record in the same
    store. Everything else below `pipeline_root` goes, also what killed nodes left.

    Args:
        store: ML Metadata of the runs.
        output: The output folder, locked.
        push_directory: Folder of the pushed versions.
        keep: Number of runs to keep, at least 1.
        examples: File patterns of the examples of unfinished trainings.
    """
    root = output.resolve() / "pipeline_root"
    contexts = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
    runs = [_Run(store, output, context) for context in contexts]
    reported = [run.number for run in runs if run.is_own and run.has_report]
    oldest = reported[-keep] if len(reported) >= keep else 0
    unfinished = {_tail_below(root, pattern) for pattern in examples}
    in_production = _models_in_production(root, push_directory)
    kept_runs: dict[str, str] = {}
    kept: set[Tail] = set()
    for run in runs:
        if not run.is_own:
            reason = "of another output folder"
        elif run.number >= oldest:
            reason = "newest"
        elif run.made & in_production:
            reason = "its model is in production"
        elif run.used & unfinished:
            reason = "a training on its examples is unfinished"
        else:
            continue
        kept |= run.used
        kept_runs |= {run.name: reason} if run.is_own else {}
    folders = list(_folders(root))
    removed = [
        folder
        for folder in folders
        if _tail(folder) not in kept and state_of_maker(store, folder) is not None
    ]
    freed = _sizes(removed)
    stays = _sizes([folder for folder in folders if folder not in freed])
    return Cleaning(
        [ArtifactFolder(folder, size) for folder, size in freed.items()], kept_runs, sum(stays.values())
    )


def carry_out(store: MetadataStore, cleaning: Cleaning) -> None:
    """Removes the folders.

    First ML Metadata marks the artifacts as deleted: whenever this is killed, no run reuses half of one, and
    the next cleaning removes the rest.
    """
    paths = {_tail(folder.path): folder.path for folder in cleaning.removed}
    gone = [
        artifact
        for artifact in store.get_artifacts()
        # Of a copied output folder that is cleaned, the original may record in the same store.
        if _tail(Path(artifact.uri)) in paths and _is_here(Path(artifact.uri), paths)
    ]
    for artifact in gone:
        artifact.state = mlmd.Artifact.DELETED
    if gone:
        store.put_artifacts(gone)
    for folder in cleaning.removed:
        shutil.rmtree(folder.path)


class _Run:
    """A run as ML Metadata knows it.

    Attributes:
        number: Its number, which rises from run to run.
        name: Its id.
    """

    def __init__(self, store: MetadataStore, output: Path, context: mlmd.Context):
        self.number = context.id
        self.name = context.name
        self._store = store
        self._output = output

    @cached_property
    def _executions(self) -> list[mlmd.Execution]:
        executions: list[mlmd.Execution] = self._store.get_executions_by_context(self.number)
        return executions

    @cached_property
    def is_own(self) -> bool:
        """Whether it ran in this output folder: others may record in the same store."""
        return (self._output / "logs" / f"{self.name}.log").exists() or any(
            tail[0] and (self._output / "pipeline_root" / Path(*tail)).exists() for tail in self.made
        )

    @property
    def has_report(self) -> bool:
        """Whether it reached its last node."""
        # The type of an execution is its component's class.
        nodes = {each.type.rsplit(".", 1)[-1]: each.last_known_state for each in self._executions}
        return nodes.get("RunReport") in SUCCEEDED

    @cached_property
    def used(self) -> set[Tail]:
        """Artifacts that it made, reused or read, unless they are deleted."""
        numbers = [execution.id for execution in self._executions]
        events = self._store.get_events_by_execution_ids(numbers) if numbers else []
        artifacts = self._store.get_artifacts_by_id(list({event.artifact_id for event in events}))
        return {_tail(Path(each.uri)) for each in artifacts if each.state != mlmd.Artifact.DELETED}

    @property
    def made(self) -> set[Tail]:
        """Artifacts that its own executions made: an artifact's folder has the number of its execution."""
        numbers = {str(execution.id) for execution in self._executions}
        return {tail for tail in self.used if tail[-1] in numbers}


def _models_in_production(root: Path, push_directory: str) -> set[Tail]:
    """Models that Trainer made and whose content is that of the version in production."""
    version = production_version(push_directory)
    if version == NONE:
        return set()
    digest = version_digest(push_directory, version)
    models = (folder for folder in root.glob("Trainer/model/*") if (folder / SERVING_FOLDER).is_dir())
    return {_tail(folder) for folder in models if model_digest(folder / SERVING_FOLDER) == digest}


def _folders(root: Path) -> Iterator[Path]:
    """Folders of all outputs of all executions."""
    for output in sorted(path for path in root.glob("*/[!.]*") if path.is_dir()):
        numbered = [folder for folder in output.iterdir() if folder.name.isdecimal() and folder.is_dir()]
        yield from sorted(numbered, key=lambda folder: int(folder.name))


def _is_here(uri: Path, paths: dict[Tail, Path]) -> bool:
    return not uri.exists() or uri.resolve() == paths[_tail(uri)]


def _tail(folder: Path) -> Tail:
    return folder.parts[-3:]


def _tail_below(root: Path, path: str) -> Tail:
    """Of the artifact that a path below the pipeline's root is in; empty elsewhere."""
    return Path(path).relative_to(root).parts[:3] if Path(path).is_relative_to(root) else ()


def _sizes(folders: list[Path]) -> dict[Path, int]:
    """Bytes that the removal of all of these folders frees, by folder; a file counts in the first one."""
    links: Counter[int] = Counter()
    first: dict[int, tuple[Path, os.stat_result]] = {}
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file():
                status = file.lstat()
                links[status.st_ino] += 1
                first.setdefault(status.st_ino, (folder, status))
    sizes = dict.fromkeys(folders, 0)
    for number, (folder, status) in first.items():
        if links[number] == status.st_nlink:
            sizes[folder] += status.st_size
    return sizes
