"""What becomes of a Beam job whose workers or job server are killed, or whose driver is interrupted."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipeline.beam_checks.explain import EngineError
from pipeline.beam_settings import BeamSettings
from pipeline.runners.local import beam_jobs
from pipeline.runners.local.beam_jobs import watch_jobs
from pipeline.runners.local.job_servers import stop_job_servers
from tests.beam_workers import first_workers, job_service, server_on, worker_pool
from tests.conftest import TINY, petseg

SECONDS_OF_THE_JOB = 20


@pytest.fixture
def engine(tmp_path) -> Iterator[BeamSettings]:
    for folder in ("jobs", "home"):
        (tmp_path / folder).mkdir()
    with (
        job_service(tmp_path / "jobs") as jobs,
        worker_pool(tmp_path / "home", has_project=True) as pool,
    ):
        yield BeamSettings(engine="portable", address=jobs, worker_pool=pool)


def kill_pool(engine: BeamSettings) -> None:
    """Kills a pool with its workers, as the loss of its machine or pod does."""
    workers = first_workers(engine.worker_pool)
    for process in (server_on(engine.worker_pool), *workers):
        process.kill()


def kill_job_server(engine: BeamSettings) -> None:
    first_workers(engine.worker_pool)
    server_on(engine.address).kill()


@pytest.fixture
def interruptible():
    """Programs in the background ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(engine: BeamSettings) -> None:
    first_workers(engine.worker_pool)
    os.kill(os.getpid(), signal.SIGINT)


def run_while(happens: Callable[[BeamSettings], None], engine: BeamSettings) -> None:
    """Runs a job that takes its time, during which something happens."""
    other = threading.Thread(target=happens, args=[engine])
    other.start()
    try:
        with watch_jobs(engine), beam.Pipeline(options=PipelineOptions(engine.pipeline_args)) as pipeline:
            _ = pipeline | beam.Create([SECONDS_OF_THE_JOB]) | beam.Map(time.sleep)
    finally:
        other.join()


def test_a_job_ends_with_one_line_when_its_worker_pool_is_gone(engine, monkeypatch):
    """Beam's job service waited for its workers for ever."""
    monkeypatch.setattr(beam_jobs, "SECONDS_BETWEEN_LOOKS", 0.2)
    monkeypatch.setattr(beam_jobs, "SECONDS_WITHOUT_POOL", 1)
    with pytest.raises(EngineError) as ended:
        run_while(kill_pool, engine)
    said = str(ended.value)
    assert said.startswith(
        f"beam.worker_pool: the workers of {engine.worker_pool} are gone, nothing has answ"
    )
    assert "start the pool again with `python -m apache_beam" in said
    assert "\n" not in said


# Of the thread in which Beam reads the job's messages.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_ends_with_one_line_when_its_job_server_is_gone(engine):
    with pytest.raises(EngineError) as ended:
        run_while(kill_job_server, engine)
    said = f"beam.engine portable: the job server at {engine.address} has ended or cannot be reached any more"
    assert str(ended.value) == f"{said}; look at its log"


def test_a_pool_that_comes_back_in_time_ends_nothing(engine, monkeypatch):
    monkeypatch.setattr(beam_jobs, "SECONDS_BETWEEN_LOOKS", 0.2)
    looks = iter([True, False, False])
    monkeypatch.setattr(beam_jobs, "_answers", lambda pool: next(looks, True))
    with watch_jobs(engine), beam.Pipeline(options=PipelineOptions(engine.pipeline_args)) as pipeline:
        _ = pipeline | beam.Create([2]) | beam.Map(time.sleep)
    assert list(looks) == []


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_job_is_canceled(engine):
    with pytest.raises(KeyboardInterrupt):
        run_while(interrupt, engine)
    with grpc.insecure_channel(engine.address) as channel:
        jobs = beam_job_api_pb2_grpc.JobServiceStub(channel).GetJobs(beam_job_api_pb2.GetJobsRequest())
    assert [job.state for job in jobs.job_info] == [beam_job_api_pb2.JobState.CANCELLED]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_interrupted_job_is_canceled_before_the_job_server_that_beam_started_ends(java, flink, tmp_path):
    (tmp_path / "home").mkdir()
    with worker_pool(tmp_path / "home", has_project=True) as pool:
        engine = BeamSettings(engine="flink", address=flink, worker_pool=pool, args=java.engine_args)
        with pytest.raises(KeyboardInterrupt), stop_job_servers():
            run_while(interrupt, engine)
    assert (java.job_servers.with_name("canceled")).read_text()
    assert java.left() == []


@pytest.mark.slow
def test_a_run_ends_with_one_line_when_its_worker_pool_is_gone(engine, sample, tmp_path):
    def kill_pool_in_a_node() -> None:
        # The look-ups start a worker, too.
        while not (tmp_path / "out" / "logs").exists():
            time.sleep(0.05)
        kill_pool(engine)

    other = threading.Thread(target=kill_pool_in_a_node, daemon=True)
    other.start()
    done = petseg(
        "run", "--data", sample, "--output", tmp_path / "out", "--to", "SegmentationExampleGen", *TINY,
        "--set", "beam.engine=portable", "--set", f"beam.address={engine.address}",
        "--set", f"beam.worker_pool={engine.worker_pool}", timeout=300,
    )  # fmt: skip
    assert done.status == 1, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith(
        f"error: SegmentationExampleGen: beam.worker_pool: the workers of {engine.worker_pool} are gone, "
    )
    assert "Traceback" not in done.stdout + done.stderr
