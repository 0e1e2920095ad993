"""Waits for Beam's jobs on a cluster as long as there are workers for them, and leaves none behind."""

import concurrent.futures
import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from petseg.errors import UserError
from pipeline.beam_checks.address import connect
from pipeline.beam_checks.explain import EngineError, explain
from pipeline.beam_checks.flink import cancel_job
from pipeline.beam_checks.worker_pool import START, is_seen_from_here
from pipeline.beam_settings import LOCAL_ENGINES, BeamSettings

if TYPE_CHECKING:
    from apache_beam.runners.portability.portable_runner import PipelineResult

SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_WITHOUT_POOL = 30.0
"""After which a job ends. A pool that a service manager starts again is back by then."""

SECONDS_TO_CANCEL = 10.0


@contextlib.contextmanager
def watch_jobs(beam: BeamSettings) -> Iterator[None]:
    """Ends Beam's jobs in the context when their worker pool is gone, or when the process is interrupted.

    Beam's own job service waits for lost workers for ever, and a cluster goes on with a job whose driver has
    ended.

    Raises:
        EngineError: Nothing has answered at the address of the pool for some time, or the engine says why it
            cannot go on.
    """
    if beam.engine in LOCAL_ENGINES:
        yield
        return
    from apache_beam.runners.portability.portable_runner import PipelineResult

    wait = PipelineResult.wait_until_finish

    def wait_and_look(result: "PipelineResult", duration: int | None = None) -> Any:
        ended: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def run() -> None:
            try:
                ended.set_result(wait(result, duration))
            except BaseException as error:
                ended.set_exception(error)

        # A daemon: nothing ends it where the engine never answers.
        threading.Thread(target=run, daemon=True).start()
        try:
            _look_until(ended, beam)
        except BaseException:
            _cancel(result, beam)
            raise
        return ended.result()

    PipelineResult.wait_until_finish = wait_and_look
    try:
        yield
    except Exception as error:
        if explained := explain(str(error), beam):
            raise EngineError(explained) from error
        raise
    finally:
        PipelineResult.wait_until_finish = wait


def _look_until(ended: "concurrent.futures.Future[Any]", beam: BeamSettings) -> None:
    pool = beam.worker_pool if is_seen_from_here(beam) else None
    answered = time.monotonic()
    while not concurrent.futures.wait([ended], SECONDS_BETWEEN_LOOKS).done:
        if pool is None or _answers(pool):
            answered = time.monotonic()
        elif time.monotonic() - answered > SECONDS_WITHOUT_POOL:
            raise EngineError(
                f"beam.worker_pool: the workers of {pool} are gone, nothing has answered there for "
                f"{SECONDS_WITHOUT_POOL:.0f} s; start the pool again with `{START}`"
            )


def _answers(pool: str) -> bool:
    try:
        connect("beam.worker_pool", pool, "")
    except UserError:
        return False
    return True


def _cancel(result: "PipelineResult", beam: BeamSettings) -> None:
    """Asks the engine to cancel a job, without waiting for long."""

    def cancel() -> None:
        # Flink goes on with a batch job that its job server has canceled. Its name there is the job's id
        # without the last part.
        name = result._job_id.rpartition("_")[0]
        for ask in (partial(cancel_job, beam, name), result.cancel):
            try:
                ask()
            except Exception:
                logging.getLogger(__name__).exception("Beam's job is not canceled")

    thread = threading.Thread(target=cancel, daemon=True)
    thread.start()
    thread.join(SECONDS_TO_CANCEL)
