"""`pipeline_runner.py run`: one run on this machine, from settings to exit status."""

import contextlib
import errno
import logging
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TextIO

from petseg.errors import UserError, describe_error
from petseg.files.object_store import as_path, copy_folder
from pipeline.beam_checks.engine import for_workers, unshared_folders
from pipeline.beam_checks.explain import EngineError
from pipeline.runners.local.checks import check_before_run
from pipeline.runs.lock import only_user
from pipeline.runs.memory import PeakMemory
from pipeline.runs.outcome import (
    CALLER_MUST_CHANGE,
    DONE,
    INTERRUPTED,
    NODE_FAILED,
    Outcome,
    link_latest,
    publish_files,
    publish_run,
    publish_stop,
    verdict,
)
from pipeline.runs.run_folder import REPORT_FILE
from pipeline.runs.run_log import STDERR, STDOUT, redirect_output
from pipeline.settings import PipelineSettings

RUN_ID = "%Y%m%d-%H%M%S"
SQLITE_FULL = "database or disk is full"


@dataclass(frozen=True)
class RunOptions:
    """Options of a run beside its settings.

    Attributes:
        from_node: First node to run; None: from the start.
        to_node: Last node to run; None: to the end.
        enable_cache: Whether unchanged nodes are reused.
        progress_on_stderr: Whether progress is shown on stderr; else on stdout.
    """

    from_node: str | None = None
    to_node: str | None = None
    enable_cache: bool = True
    progress_on_stderr: bool = False


def run_local(settings: PipelineSettings, output: Path, options: RunOptions) -> Outcome:
    """Runs the pipeline on this machine and shows its progress.

    Raises:
        UserError: Before anything was written: the arguments or the data cannot be right.
    """
    for warning in check_before_run(settings, output, options.from_node, options.to_node):
        print(f"warning: {warning}", file=sys.stderr)
    settings = for_workers(settings)
    if folders := unshared_folders(settings, output):
        said = f"beam.engine {settings.beam.engine}: the workers must see {' and '.join(folders)}"
        print(f"{said} under the same path", file=sys.stderr)
    output.mkdir(parents=True, exist_ok=True)
    with only_user(output):
        run_id = _new_run_id(output, settings)
        log = output / "logs" / f"{run_id}.log"
        log.parent.mkdir(exist_ok=True)
        return _LocalRun(settings, output, options, run_id, log).outcome()


class _LocalRun:
    def __init__(self, settings: PipelineSettings, output: Path, options: RunOptions, run_id: str, log: Path):
        self._settings = settings
        self._output = output
        self._options = options
        self._run_id = run_id
        self._log = log
        self._folder = output / "runs" / run_id
        self._failed_node = ""

    def outcome(self) -> Outcome:
        outcome = replace(self._outcome(), run_id=self._run_id, log=self._log, folder=self._folder)
        directory = self._settings.report.directory
        if directory and self._folder.is_dir():
            target = as_path(directory) / self._run_id
            try:
                copy_folder(self._folder, target)
            except (UserError, OSError) as error:
                outcome.lines.append(f"error: report.directory: not copied: {describe_error(error)}")
                return replace(outcome, status=outcome.status or NODE_FAILED)
            outcome.lines.append(f"copied   {target}")
        return outcome

    def _outcome(self) -> Outcome:
        shown_on = STDERR if self._options.progress_on_stderr else STDOUT
        with redirect_output(self._log, shown_on) as terminal, _scratch_folder(), PeakMemory() as memory:
            print(f"run {self._run_id}   log {self._log}", file=terminal, flush=True)
            seconds: dict[str, float] = {}
            try:
                return self._run(terminal, memory, seconds)
            except KeyboardInterrupt:
                logging.getLogger().error("interrupted")
                self._stopped("interrupted", seconds, memory)
                reason = "run the same command again to resume"
                return Outcome(INTERRUPTED, "interrupted", reason, [f"interrupted; {reason}"])
            except Exception as error:
                status, reason = _explain(error)
                reason = f"{self._failed_node}: {reason}" if self._failed_node else reason
                lines = [f"error: {reason}", f"log      {self._log}"]
                try:
                    traceback.print_exc(file=sys.stderr)
                    self._stopped(_in_one_line(reason), seconds, memory)
                except OSError as unwritten:
                    # Where a full disk stopped the node, it has no room for its traces either.
                    lines.append(f"warning  {self._folder} is incomplete: {describe_error(unwritten)}")
                return Outcome(status, "error", reason, lines)

    def _run(self, terminal: TextIO, memory: PeakMemory, seconds: dict[str, float]) -> Outcome:
        # TFX takes 10 to 20 seconds to import: not before the arguments are known to be right.
        from absl import logging as absl_logging

        from pipeline.runners.local.runner import LocalRunner
        from pipeline.runs.progress import RunProgress
        from pipeline.runs.report_nodes import complete_report

        absl_logging.set_verbosity(absl_logging.ERROR)
        # TFX parses sys.argv as absl flags, and would refuse ours.
        sys.argv = sys.argv[:1]
        runner = LocalRunner(
            self._settings, self._output, self._run_id, enable_cache=self._options.enable_cache
        )
        runner.limit(self._options.from_node, self._options.to_node)
        with RunProgress(terminal, runner.node_ids, memory) as progress:
            try:
                runner.run(progress)
            finally:
                seconds |= progress.seconds()
                self._failed_node = progress.failed_node()
        if runner.output_uri("RunReport", "report") is None:
            publish_files(runner.output_uri, self._folder)
            reason = f"up to {self._options.to_node}, as asked"
            return Outcome(DONE, "done", reason, [f"done {reason}"])
        metrics = publish_run(runner.output_uri, self._folder, seconds, memory.megabytes)
        link_latest(self._folder)
        complete_report(self._folder / REPORT_FILE, self._run_id, progress.rows, runner.lineage())
        return verdict(metrics, runner.pushed(), runner.push_directory, self._folder)

    def _stopped(self, reason: str, seconds: dict[str, float], memory: PeakMemory) -> None:
        publish_stop(self._settings, self._folder, reason, seconds, memory.megabytes)


@contextlib.contextmanager
def _scratch_folder() -> Iterator[None]:
    """Gives this process and its children a folder for temporary files, and removes it at the end.

    TensorFlow, Beam and TFX leave dozens of them behind each run.
    """
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="petseg-", ignore_cleanup_errors=True) as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = None
            os.environ.pop("TMPDIR")
            if before is not None:
                os.environ["TMPDIR"] = before


def _new_run_id(output: Path, settings: PipelineSettings) -> str:
    """UTC date and time, or one second after the newest run where the clock is behind that."""
    moment = datetime.now(timezone.utc).replace(microsecond=0, tzinfo=None)
    earlier = [_moment(log.stem) for log in (output / "logs").glob("*.log")]
    newest = max((start for start in earlier if start), default=None)
    if newest and moment <= newest:
        moment = newest + timedelta(seconds=1)
    run_id = moment.strftime(RUN_ID)
    # Two runs on the server may start in the same second; it would take them for one.
    return f"{run_id}-{secrets.token_hex(2)}" if settings.metadata.url_variable else run_id


def _moment(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id[:15], RUN_ID)
    except ValueError:
        return None


def _explain(error: BaseException) -> tuple[int, str]:
    """Returns exit status and message of an exception of a node, however Beam or TFX wrapped it."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, UserError):
            return CALLER_MUST_CHANGE, str(cause)
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return NODE_FAILED, f"the disk is full: {cause.filename or cause}; free some space and run again"
        if SQLITE_FULL in str(cause):
            return NODE_FAILED, "the disk is full: metadata.db; free some space and run again"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, EngineError):
        return NODE_FAILED, str(error)
    return NODE_FAILED, f"{type(error).__name__}: {_in_one_line(str(error))}"


def _in_one_line(message: str) -> str:
    """The first line, with the next one where it ends in a colon, as TensorFlow's "in user code:"."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or ["no message"]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
