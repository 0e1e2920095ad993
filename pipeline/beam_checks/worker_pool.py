"""Whether a worker pool starts workers."""

import uuid

from petseg.errors import UserError
from pipeline.beam_checks.address import connect, is_this_machine, server_of
from pipeline.beam_checks.check import SECONDS, EngineRun, Finding
from pipeline.beam_settings import STARTED_BY_BEAM, BeamSettings

START = "python -m apache_beam.runners.worker.worker_pool_main --service_port=50000"


def check_worker_pool(run: EngineRun) -> Finding | None:
    """The pool starts a worker. It is stopped at once and never works."""
    pool = run.beam.worker_pool
    if pool is None:
        return None
    if not is_seen_from_here(run.beam):
        return Finding(f"{pool} is one beside each of the cluster's machines, which cannot be seen from here")
    connect("beam.worker_pool", pool, f"start it with `{START}`, or correct the address")
    _start_worker(pool)
    return Finding(f"{pool} starts workers")


def is_seen_from_here(beam: BeamSettings) -> bool:
    """Whether there is a pool, and its address means the same here as on the cluster."""
    if beam.worker_pool is None:
        return False
    address = str(beam.address)
    is_here = address in STARTED_BY_BEAM or is_this_machine(server_of(address))
    return is_here or not is_this_machine(beam.worker_pool)


def _start_worker(pool: str) -> None:
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2

    worker = f"petseg-check-{uuid.uuid4().hex}"
    # Nothing listens there: the worker is stopped before it would connect.
    nowhere = endpoints_pb2.ApiServiceDescriptor(url="localhost:9")
    request = beam_fn_api_pb2.StartWorkerRequest(
        worker_id=worker,
        control_endpoint=nowhere,
        logging_endpoint=nowhere,
        artifact_endpoint=nowhere,
        provision_endpoint=nowhere,
    )
    with grpc.insecure_channel(pool) as channel:
        stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
        try:
            answer = stub.StartWorker(request, timeout=SECONDS)
            stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id=worker), timeout=2 * SECONDS)
        except grpc.RpcError as error:
            raise UserError(
                f"beam.worker_pool: what answers at {pool} is no worker pool of Beam "
                f"({error.code().name.lower()}); start one with `{START}`"
            ) from None
    if answer.error:
        last = answer.error.strip().splitlines()[-1]
        raise UserError(
            f"beam.worker_pool: {pool} cannot start a worker: {last}; start the pool where `python` on PATH "
            "is that of the environment with this project"
        )
