"""Whether Beam knows all of `beam.args`: it leaves out what it does not know."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterator

from petseg.errors import UserError
from pipeline.beam_checks.check import EngineRun, Finding
from pipeline.beam_checks.explain import explain
from pipeline.beam_checks.flink import with_flink_version
from pipeline.beam_settings import RUNNERS

JOB_API_ENGINES = ("portable", "flink", "spark")
"""Engines whose job server knows options besides those of Beam in Python."""


def check_arguments(run: EngineRun) -> Finding | None:
    """Beam, or the job server, knows each argument.

    Where Beam in Python does not know one, the job server is asked, as Beam asks it in each data step.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    args = list(run.beam.args)
    if not args:
        return None
    discarded = _discarded(PipelineOptions(args).get_all_options)
    if discarded and run.beam.engine in JOB_API_ENGINES:
        discarded = _discarded_by_job_server(run)
    if discarded:
        raise UserError(
            f"beam.args: Beam knows no {' '.join(discarded)} and would leave it out; correct or remove it"
        )
    return Finding("Beam knows all of beam.args")


def _discarded_by_job_server(run: EngineRun) -> list[str]:
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners import create_runner

    from pipeline.runners.local.job_servers import stop_job_servers

    beam = run.beam
    options = PipelineOptions(with_flink_version(beam).pipeline_args)
    with stop_job_servers():
        try:
            jobs = create_runner(RUNNERS[beam.engine]).create_job_service(options)
            return _discarded(jobs.get_pipeline_options)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                explain(str(error), beam)
                or f"beam.engine {beam.engine}: its job server does not start: {error}; try `java -jar` with "
                "its jar"
            ) from error


def _discarded(parse: Callable[[], object]) -> list[str]:
    """Returns the arguments that Beam leaves out when it parses them.

    Raises:
        UserError: One has a wrong value.
    """
    said = io.StringIO()
    with _told_discarded() as discarded, contextlib.redirect_stderr(said):
        try:
            parse()
        except SystemExit:
            raise UserError(f"beam.args: {said.getvalue().strip().splitlines()[-1]}") from None
    return discarded


@contextlib.contextmanager
def _told_discarded() -> Iterator[list[str]]:
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
