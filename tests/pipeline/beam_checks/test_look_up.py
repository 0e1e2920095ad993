"""What a run finds out about its data engine before the first node, against servers on loopback."""

import os
import socket
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from petseg.errors import UserError
from pipeline.beam_checks import job_api
from pipeline.beam_checks.engine import engine_run, for_workers, look_up, unshared_folders
from pipeline.settings import PipelineSettings, load_settings
from tests.conftest import PETS_CONFIG, petseg
from tests.flink import flink_stand_in
from tests.ports import LOOPBACK, reserve_port

POOL = "beam.worker_pool=localhost:50000"
IMAGE = "beam.image=petseg:cpu"


def settings(*overrides: str) -> PipelineSettings:
    return load_settings(PETS_CONFIG, ["data.path=pets", *overrides])


def check(*overrides: str) -> list[str]:
    return look_up(engine_run(settings(*overrides), Path("out")))


@pytest.fixture
def job_server():
    """A server of Beam's Job API that describes one option; its address."""

    class Servicer(beam_job_api_pb2_grpc.JobServiceServicer):
        def DescribePipelineOptions(self, request, context):
            option = beam_job_api_pb2.PipelineOptionDescriptor(name="checkpointing_interval_of_flink")
            return beam_job_api_pb2.DescribePipelineOptionsResponse(options=[option])

    with _grpc_server() as (server, address):
        beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(Servicer(), server)
        server.start()
        yield address


@contextmanager
def _grpc_server():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    try:
        yield server, f"{LOOPBACK}:{port}"
    finally:
        server.stop(None).wait()


@pytest.fixture
def flink():
    """A stand-in for Flink's REST API; what it answers can be changed."""
    with flink_stand_in() as flink:
        yield flink


@pytest.mark.parametrize(
    ("engine", "named"),
    [
        (
            ["beam.engine=portable", "beam.address={}", POOL],
            "beam.address: nothing answers at {}: Connection",
        ),
        (
            ["beam.engine=flink", "beam.address={}", POOL],
            "beam.address: nothing answers at {}: Connection refused; start Flink, or correct",
        ),
        (["beam.engine=spark", "beam.address=spark://{}", POOL], "beam.address: nothing answers at {}: Conn"),
    ],
)
def test_an_address_where_nothing_answers_is_named(engine, named):
    """Beam waited five minutes and then said nothing; for a pool it said neither what nor where."""
    address = f"{LOOPBACK}:{reserve_port()}"
    with pytest.raises(UserError) as refused:
        check(*(each.format(address) for each in engine))
    assert str(refused.value).startswith(named.format(address))


@pytest.mark.parametrize("address", ["[::1", "http://localhost:none", "localhost", "localhost:99999"])
def test_an_address_that_is_none_is_one_line(address):
    with pytest.raises(UserError, match=r"^beam\.address"):
        check("beam.engine=portable", f"beam.address='{address}'", IMAGE)


def test_a_flink_that_beam_starts_has_no_address(tmp_path):
    gone = f"{LOOPBACK}:{reserve_port()}"
    with pytest.raises(UserError, match=rf"beam\.worker_pool: nothing answers at {gone}"):
        check("beam.engine=flink", "beam.address='[auto]'", f"beam.worker_pool={gone}")


def test_a_run_ends_before_its_first_node(sample, tmp_path):
    address = f"{LOOPBACK}:{reserve_port()}"
    done = petseg(
        "run", "--config", PETS_CONFIG, "--data", sample, "--output", tmp_path / "out",
        "--set", "beam.engine=portable", "--set", f"beam.address={address}", "--set", POOL, timeout=120,
    )  # fmt: skip
    assert done.status == 2
    assert done.stderr.startswith(f"error: beam.address: nothing answers at {address}: ")
    assert not (tmp_path / "out").exists()


def test_a_job_server_is_one_that_speaks_its_api(job_server, monkeypatch):
    check("beam.engine=portable", f"beam.address={job_server}", IMAGE)
    with _grpc_server() as (server, other):
        server.start()
        with pytest.raises(UserError, match=f"{other} is no Beam job server .unimplemented.; name the port"):
            check("beam.engine=portable", f"beam.address={other}", POOL)
    monkeypatch.setattr(job_api, "SECONDS", 1)
    with socket.create_server((LOOPBACK, 0)) as mute:
        silent = f"{LOOPBACK}:{mute.getsockname()[1]}"
        with pytest.raises(UserError, match=f"{silent} is no Beam job server"):
            check("beam.engine=portable", f"beam.address={silent}", POOL)


def test_arguments_that_beam_would_discard_are_refused(job_server):
    check("beam.args=[--save_main_session, --job_name=mine]")
    with pytest.raises(UserError, match=r"beam\.args: Beam knows no --jobname=mine and would leave it out"):
        check("beam.args=[--jobname=mine]")
    with pytest.raises(UserError, match=r"beam\.args: .*--direct_num_workers: invalid int value: 'many'"):
        check("beam.args=[--direct_num_workers=many]")
    portable = ["beam.engine=portable", f"beam.address={job_server}", IMAGE]
    check(*portable, "beam.args=[--checkpointing_interval_of_flink=10]")
    with pytest.raises(UserError, match=r"Beam knows no --checkpointing_interval=10"):
        check(*portable, "beam.args=[--checkpointing_interval=10]")


def test_the_version_of_flink_is_that_of_the_cluster(flink):
    on_flink = ["beam.engine=flink", f"beam.address={flink.address}", POOL]
    assert "--flink_version=1.19" in for_workers(settings(*on_flink)).beam.pipeline_args
    named = for_workers(settings(*on_flink, "beam.flink_version=1.18.1"))
    assert "--flink_version=1.18" in named.beam.pipeline_args
    for body in ({}, "<html>", []):
        flink.answers["/config"] = body
        with pytest.raises(UserError, match=rf"answers at http://{flink.address}/config is not Flink; name"):
            for_workers(settings(*on_flink))


def test_a_flink_that_does_not_answer_is_named():
    address = f"{LOOPBACK}:{reserve_port()}"
    with pytest.raises(UserError, match=rf"Flink does not answer at http://{address}/config: Connection ref"):
        for_workers(settings("beam.engine=flink", f"beam.address={address}", POOL))


def test_workers_elsewhere_get_absolute_paths():
    """A pool's workers have a working folder of their own."""
    portable = ["beam.engine=portable", "beam.address=jobs:8099", POOL]
    there = for_workers(settings(*portable, "push.directory=pushed"))
    assert there.data.path == os.path.abspath("pets")
    assert there.push.directory == os.path.abspath("pushed")
    assert for_workers(settings(*portable, "push.directory=s3://b/pushed")).push.directory == "s3://b/pushed"
    assert for_workers(settings()).data.path == "pets"
    on_store = settings(*portable, "data.path=s3://b/pets")
    assert for_workers(on_store).data.path == "s3://b/pets"
    assert unshared_folders(on_store, Path("out")) == [os.path.abspath("out")]
    assert unshared_folders(settings(), Path("out")) == []


def test_dataflow_does_not_see_a_local_run():
    dataflow = ["beam.project=p", "beam.region=r", "beam.temp_location=gs://b/t", "beam.image=i"]
    with pytest.raises(UserError, match=r"beam\.engine must not be dataflow in `run`: .* Vertex"):
        check("beam.engine=dataflow", *dataflow)
