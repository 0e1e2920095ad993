"""The schedules of a runner: this machine or a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.runners.registry import find_runner
from pipeline.runners.runner import Schedules
from pipeline.runs.run_log import discard_output
from pipeline.settings import load_settings


@contextmanager
def schedules_at(
    target: str, store: Path, config: Path | None, overrides: list[str] | None
) -> Iterator[Schedules]:
    """The schedules of a runner; the output of its client is discarded.

    Args:
        target: Name of the runner.
        store: Folder of the schedules on this machine.
        config: YAML with the cluster's address.
        overrides: `key=value`, laid over it.

    Raises:
        UserError: A setting is missing, or the cluster cannot be reached or refuses.
    """
    settings = load_settings(config, overrides or [])
    with discard_output():
        yield find_runner(target).schedules(settings, store)
