"""All checks of a Beam engine, in their order."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from petseg.errors import UserError
from petseg.files.object_store import is_url
from pipeline.beam_checks import address, arguments, flink, job_api, trial, worker_pool
from pipeline.beam_checks.check import Check, EngineRun
from pipeline.beam_settings import LOCAL_ENGINES
from pipeline.runs.run_log import discard_output
from pipeline.settings import PipelineSettings

LOOK_UPS = (
    Check("engine", address.check_is_seen),
    Check("address", address.check_address),
    Check("job server", job_api.check_job_server),
    Check("Flink version", flink.check_version),
    Check("Flink slots", flink.check_slots),
    Check("Flink network memory", flink.check_network_memory),
    Check("Flink restarts", flink.check_restarts),
    Check("arguments", arguments.check_arguments),
    Check("worker pool", worker_pool.check_worker_pool),
)
"""Before each run: they take seconds."""

TRIALS = (Check("workers", trial.check_workers), Check("paths", trial.check_paths))
"""They run a small pipeline on the engine."""


@dataclass(frozen=True)
class Step:
    """What came out of a check."""

    step: str
    status: Literal["ok", "warning", "failed"]
    detail: str


def check_engine(run: EngineRun, *, full: bool) -> Iterator[Step]:
    """Tries an engine, one check after another, up to the first that fails.

    Args:
        run: What is to run on it.
        full: Whether to run a small pipeline on it, too.

    Yields:
        A step for each check that concerns the engine.
    """
    trials = TRIALS if full and run.output and run.beam.engine not in LOCAL_ENGINES else ()
    for check in (*LOOK_UPS, *trials):
        try:
            with discard_output():
                found = check.look(run)
        except UserError as error:
            yield Step(check.name, "failed", str(error))
            return
        if found:
            yield Step(check.name, "warning" if found.is_warning else "ok", found.detail)


def look_up(run: EngineRun) -> list[str]:
    """Checks the engine before a run, with a small pipeline where `beam.check` is full.

    Returns:
        Warnings.

    Raises:
        UserError: A run would fail on it.
    """
    warnings = []
    for step in check_engine(run, full=run.beam.check == "full"):
        if step.status == "failed":
            raise UserError(step.detail)
        if step.status == "warning":
            warnings.append(f"beam.engine {run.beam.engine}: {step.detail}")
    return warnings


def engine_run(settings: PipelineSettings, output: Path) -> EngineRun:
    """What a run gives to its engine."""
    return EngineRun(settings.beam, _absolute(settings.data.path), output.absolute())


def for_workers(settings: PipelineSettings) -> PipelineSettings:
    """Returns the settings as an engine elsewhere needs them: absolute paths, and the version of its Flink.

    Workers have a working folder of their own.

    Raises:
        UserError: Flink's REST API does not answer.
    """
    if settings.beam.engine in LOCAL_ENGINES:
        return settings
    return settings.model_copy(
        update={
            "beam": flink.with_flink_version(settings.beam),
            "data": settings.data.model_copy(update={"path": _absolute(settings.data.path)}),
            "push": settings.push.model_copy(update={"directory": _absolute(settings.push.directory)}),
        }
    )


def _absolute(path: str | None) -> str | None:
    return path if path is None or is_url(path) else os.path.abspath(path)


def unshared_folders(settings: PipelineSettings, output: Path) -> list[str]:
    """Folders of a run that its workers see only if they mount them under the same path."""
    if settings.beam.engine in LOCAL_ENGINES:
        return []
    return [path for path in (settings.data.path, str(output.absolute())) if path and not is_url(path)]
