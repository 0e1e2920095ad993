"""A run of the pipeline for a benchmark, by the command a person would type."""

import subprocess
import sys
from pathlib import Path

from pipeline.runs.run_folder import RunFolder, find_run

PROJECT = Path(__file__).resolve().parents[1]


def run_pipeline(output: Path, arguments: list[str], statuses: tuple[int, ...] = (0,)) -> RunFolder:
    """Runs it into an absolute folder; what it prints goes to stderr.

    Args:
        output: Absolute, as the command starts in the project's folder.
        arguments: Of the command, without `--output`.
        statuses: Exit statuses after which there is something to read; with others the benchmark ends.

    Returns:
        What the run left.
    """
    command = [sys.executable, "pipeline_runner.py", "run", *arguments, "--output", str(output)]
    status = subprocess.run(command, cwd=PROJECT, stdout=sys.stderr).returncode
    if status not in statuses:
        sys.exit(f"error: {' '.join(command)} ended with status {status}")
    return find_run(output)


def as_arguments(settings: list[str]) -> list[str]:
    """`--set` before each KEY=VALUE."""
    return [part for setting in settings for part in ("--set", setting)]
