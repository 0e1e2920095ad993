"""`pipeline_runner.py runs`: all runs of an output folder in one table."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from petseg.errors import UserError
from petseg.evaluation.exports import ACCEPTED, REFUSED, VERDICTS
from petseg.evaluation.resolutions import RESOLUTIONS
from petseg.versions import NONE, list_versions, production_version, version_digest
from pipeline.runs.run_folder import RunFolder, list_runs_of_all

NOTHING = "\N{EN DASH}"
LONGEST_VALUE = 40
VERDICT_STYLES = {"blessed": "green", "refused": "red", "stopped": "red"}


def find_runs(output: Path | None, metadata: str | None) -> Sequence[RunFolder]:
    """The runs of an output folder or of a metadata store, oldest first.

    Raises:
        UserError: Neither or both are given, there is no run, or a run's file cannot be read.
    """
    if output is not None and metadata is None:
        return list_runs_of_all(output)
    if metadata is None or output is not None:
        raise UserError("runs needs either --output DIR or --metadata STORE")
    # ML Metadata takes a second to import.
    from pipeline.runs.stored_runs import stored_runs

    return stored_runs(metadata)


def runs_table(source: Path | str, runs: Sequence[RunFolder]) -> Table:
    """All runs of an output folder or a metadata store.

    Args:
        source: Output folder or metadata store that they are in.
        runs: Oldest first.
    """
    in_production = _in_production(runs)
    outputs = {run.output for run in runs}
    caption = "\n".join(
        f"in production: {directory}/{current}"
        for directory in sorted(in_production)
        if (current := production_version(directory)) != NONE
    )
    table = Table(
        title=Text(f"Runs in {source}"),
        caption=Text(caption),
        title_justify="left",
        caption_justify="left",
        pad_edge=False,
        box=None,
    )
    for header in (
        *(["output"] if len(outputs) > 1 else []),
        "run",
        "when (UTC)",
        "settings",
        "changed since the previous run",
    ):
        table.add_column(header, overflow="fold")
    # Not for runs of the last release, which have none.
    with_interval = any(run.metrics.get("mean_iou_interval") for run in runs)
    for header in ("mean IoU", "native", *(["95% interval"] if with_interval else [])):
        table.add_column(header, justify="right")
    with_exports = any(run.metrics.get("exports") for run in runs)
    for header in ("verdict", "version", *(["exported"] if with_exports else [])):
        table.add_column(header, overflow="fold")
    for before, run in zip([None, *runs], runs, strict=False):
        before = before if before and before.output == run.output else None
        table.add_row(
            *([run.output.name] if run.output and len(outputs) > 1 else []),
            run.run_id,
            _when(run.run_id),
            run.metrics["settings_sha256"][:8],
            ", ".join(_changes(before, run)) if before and before.settings and run.settings else "",
            *(_mean_iou(run.metrics[resolution]) for resolution in RESOLUTIONS),
            *([_interval(run.metrics.get("mean_iou_interval"))] if with_interval else []),
            _verdict(run.metrics),
            _version(run, in_production.get(run.push_directory or "", NONE)),
            *([_exported(run.metrics.get("exports") or {})] if with_exports else []),
        )
    return table


def runs_json(runs: Sequence[RunFolder]) -> list[dict[str, Any]]:
    """The same for programs: metrics.json of each run, and whether its model was pushed and is in production.

    Args:
        runs: Oldest first.
    """
    in_production = _in_production(runs)
    rows = []
    for run in runs:
        version = run.push and run.push["version"]
        rows.append(
            {
                "run_id": run.run_id,
                "path": str(run.path),
                **run.metrics,
                "version": version,
                "pushed": bool(run.push and run.push["pushed"]),
                "in_production": bool(version) and version == in_production.get(run.push_directory or ""),
            }
        )
    return rows


def short_value(value: Any) -> str:
    """A setting's value, shortened, as `--set` takes it."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}\N{HORIZONTAL ELLIPSIS}"


def _changes(before: RunFolder, run: RunFolder) -> Iterable[str]:
    old, new = before.compared_settings, run.compared_settings
    for key in [*new, *(key for key in old if key not in new)]:
        if key not in new or key not in old or old[key] != new[key]:
            yield f"{key}={short_value(new[key])}" if key in new else f"{key} removed"


def _in_production(runs: Sequence[RunFolder]) -> dict[str, str]:
    """By push folder of the runs: the version in production, see _version_in_production."""
    directories = {run.push_directory for run in runs if run.push_directory}
    return {directory: _version_in_production(directory, runs) for directory in directories}


def _version_in_production(directory: str, runs: Sequence[RunFolder]) -> str:
    """Version under which the model in production was first pushed; a rollback gives it a new one."""
    current = production_version(directory)
    pushed = {run.push["version"] for run in runs if run.push and run.push["version"]}
    if current == NONE or current in pushed:
        return current
    digest = version_digest(directory, current)
    existing = {str(version) for version in list_versions(directory)}
    for version in sorted(pushed & existing, key=int, reverse=True):
        if version_digest(directory, version) == digest:
            return version
    return current


def _when(run_id: str) -> str:
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""


def _mean_iou(group: dict[str, Any] | None) -> str:
    return f"{group['mean_iou']:.4f}" if group and group["mean_iou"] is not None else NOTHING


def _interval(interval: Sequence[float] | None) -> str:
    """Of the mean IoU at native resolution."""
    return NOTHING if interval is None else "{:.3f} to {:.3f}".format(*interval)


def _verdict(metrics: dict[str, Any]) -> Text:
    if metrics["model"] is None:
        return Text(f"stopped: {metrics['reason']}", VERDICT_STYLES["stopped"])
    word = "blessed" if metrics["blessed"] else "refused"
    return Text(f"{word}, {metrics['split']}", VERDICT_STYLES[word])


def _exported(exports: dict[str, dict[str, Any]]) -> Text:
    """The formats that the model was exported to: the accepted ones first, then the refused ones."""
    by_verdict = {
        verdict: [name for name in exports if exports[name]["verdict"] == verdict] for verdict in VERDICTS
    }
    accepted = Text(", ".join(by_verdict[ACCEPTED]))
    refused = Text(", ".join(f"{name} refused" for name in by_verdict[REFUSED]), VERDICT_STYLES["refused"])
    shown = [part for part in (accepted, refused) if part]
    return Text(", ").join(shown) if shown else Text(NOTHING)


def _version(run: RunFolder, in_production: str) -> Text:
    version = run.push and run.push["version"]
    if not run.push or not version:
        return Text(NOTHING)
    text = version if run.push["pushed"] else f"{version} (already pushed)"
    return Text(f"{text}, in production" if version == in_production else text)
