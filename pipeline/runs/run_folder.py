"""A run's folder, `DIR/runs/<run id>`, which `runs` and `compare` read. Needs no TensorFlow."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from petseg.errors import UserError
from petseg.evaluation.files import with_native_group
from pipeline.paths import push_directory

METRICS_FILE = "metrics.json"
"""The metrics and the verdict, for programs."""

SETTINGS_FILE = "settings.yaml"
"""The resolved settings, every key named."""

REQUIRED_METRICS = {"model", "blessed", "reason", "settings_sha256"}
"""Keys that metrics.json of every release and of a stopped run has."""

PUSH_FILE = "push.json"
"""Whether the model was pushed, as which version, and why not."""

HISTORY_FILE = "history.json"
"""One entry per epoch of the training."""

REPORT_FILE = "report.html"
"""The report, one file that needs nothing else."""

PATH_SETTINGS = ("output", "data.path", "push.directory", "report.directory", "metadata.url_variable")
"""Settings that are locations; they are left out when runs are compared."""

# LibYAML reads a run's settings in a tenth of the time, where PyYAML was built with it.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class RunFolder:
    """The results of one run.

    Attributes:
        run_id: UTC date and time of the start.
        path: The folder.
        metrics: Content of metrics.json.
        settings: Resolved settings by dotted key.
        push: Content of the Pusher's push.json; None if there is none.
        push_directory: Folder that its versions are pushed to; None if unknown.
        photos: Its photos.parquet, where that is not in the folder.
    """

    run_id: str
    path: Path
    metrics: dict[str, Any]
    settings: dict[str, Any]
    push: dict[str, Any] | None
    push_directory: str | None
    photos: Path | None = None

    @property
    def output(self) -> Path | None:
        """The output folder; None for a run that is read from a metadata store."""
        return self.path.parents[1] if self.path.parent.name == "runs" else None

    @cached_property
    def compared_settings(self) -> dict[str, Any]:
        """The settings without paths."""
        return {key: value for key, value in self.settings.items() if key not in PATH_SETTINGS}


def read_run(path: Path) -> RunFolder:
    """Reads the folder of a run.

    Raises:
        UserError: It is not the folder of a run, or a file in it cannot be read.
    """
    metrics = read_metrics(path)
    if metrics is None:
        raise UserError(f"{path} has no {METRICS_FILE}; pass a folder DIR/runs/<run id>")
    settings = flattened(read_file(path / SETTINGS_FILE) or {})
    return RunFolder(
        run_id=path.name,
        path=path,
        metrics=metrics,
        settings=settings,
        push=read_file(path / PUSH_FILE),
        # The folder is OUTPUT/runs/RUN_ID.
        push_directory=settings.get("push.directory") or push_directory(path.parents[1]),
    )


def newest_push_directory(output: Path) -> str:
    """Folder of the versions that an output's newest run pushes to; without a run the output's own.

    Raises:
        UserError: A file of the run cannot be read.
    """
    folders = _ended(output)
    return (read_run(folders[-1]).push_directory if folders else None) or push_directory(output)


def list_runs(output: Path) -> list[RunFolder]:
    """The finished runs of an output folder, oldest first.

    Raises:
        UserError: There is none, or a file cannot be read.
    """
    folders = _ended(output)
    if not folders:
        raise UserError(f"{output}: no finished run in it; pass the --output of `run`")
    return [read_run(folder) for folder in folders]


def list_runs_of_all(folder: Path) -> list[RunFolder]:
    """The finished runs of an output folder, or of all output folders in a folder, each oldest first.

    Raises:
        UserError: There is none, or a file cannot be read.
    """
    if (folder / "runs").is_dir() or not folder.is_dir():
        return list_runs(folder)
    outputs = sorted(path for path in folder.iterdir() if path.is_dir() and _ended(path))
    if not outputs:
        return list_runs(folder)
    return [run for output in outputs for run in list_runs(output)]


def find_run(path: Path) -> RunFolder:
    """The run in a folder `DIR/runs/<run id>`, or the newest run of an output folder.

    Raises:
        UserError: There is no run.
    """
    return list_runs(path)[-1] if (path / "runs").is_dir() else read_run(path)


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """Content of metrics.json, also of one that the last release wrote; None where there is none."""
    metrics = read_file(folder / METRICS_FILE)
    if metrics is None:
        return None
    if missing := sorted(REQUIRED_METRICS - metrics.keys()):
        raise UserError(f"{folder / METRICS_FILE} is not of a run: it has no {missing[0]}")
    return with_native_group(metrics)


def _ended(output: Path) -> list[Path]:
    """Folders of the runs that have ended, oldest first."""
    return sorted(file.parent for file in (output / "runs").glob(f"*/{METRICS_FILE}"))


def read_file(path: Path, kind: type = dict) -> Any:
    """Content of a JSON or YAML file; None where there is no such file.

    Args:
        path: The file.
        kind: What it must hold: a dict or a list.

    Raises:
        UserError: It cannot be read, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.load(text, _YAML_LOADER)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(content, kind):
        expected = "keys and values" if kind is dict else "a list"
        raise UserError(f"{path} must hold {expected}; received {type(content).__name__}")
    return content


def flattened(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of a tree of settings by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
