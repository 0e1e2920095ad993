"""Whether Beam knows all of `beam.args`: it leaves out what it does not know."""

import contextlib
import io
import logging
from collections.abc import Iterator
from typing import Any

from petseg.errors import UserError
from pipeline.beam_checks.check import EngineRun, Finding
from pipeline.beam_checks.job_api import JAVA_ENGINES, described_options


def check_arguments(run: EngineRun) -> Finding | None:
    """Beam, or the job server, knows each argument."""
    beam = run.beam
    if not beam.args:
        return None
    if beam.engine in JAVA_ENGINES:
        return Finding(f"only the job server of {beam.engine} knows them; the step `workers` asks it")
    described = described_options(str(beam.address)) if beam.engine == "portable" else ()
    check_known(beam.args, described)
    return Finding("Beam knows all of beam.args")


def check_known(args: tuple[str, ...], described: tuple[str, ...]) -> None:
    """Checks arguments against what Beam's Python part and a job server know.

    Args:
        args: Of `beam.args`.
        described: Names of the options that the job server knows.

    Raises:
        UserError: It names those that Beam would leave out.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    def add_described(parser: Any) -> None:
        for name in described:
            with contextlib.suppress(Exception):  # Beam knows it already
                parser.add_argument(f"--{name}")

    said = io.StringIO()
    with _discarded() as discarded, contextlib.redirect_stderr(said):
        try:
            PipelineOptions(list(args)).get_all_options(add_extra_args_fn=add_described)
        except SystemExit:
            raise UserError(f"beam.args: {said.getvalue().strip().splitlines()[-1]}") from None
    if discarded:
        raise UserError(
            f"beam.args: Beam knows no {' '.join(discarded)} and would leave it out; correct or remove it"
        )


@contextlib.contextmanager
def _discarded() -> Iterator[list[str]]:
    """Arguments that Beam says it discards."""
    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if str(record.msg).startswith("Discarding unparseable args") and isinstance(record.args, tuple):
                (unknown,) = record.args
                found.extend(unknown if isinstance(unknown, list) else [str(unknown)])

    logger = logging.getLogger("apache_beam.options.pipeline_options")
    handler = Handler()
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
