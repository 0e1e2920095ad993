"""The pipeline of ten elements, on Beam's own job service and worker pools on loopback."""

import json
import os
import shutil
from contextlib import ExitStack

import pytest

from petseg.errors import UserError
from pipeline.beam_checks.check import EngineRun
from pipeline.beam_checks.engine import check_engine, look_up
from pipeline.beam_checks.trial import check_workers
from pipeline.beam_checks.worker_pool import check_worker_pool
from pipeline.beam_settings import BeamSettings
from tests.beam_workers import job_service, worker_pool
from tests.conftest import petseg
from tests.ports import LOOPBACK, reserve_port


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    with job_service(tmp_path_factory.mktemp("jobs")) as address:
        yield address


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with worker_pool(tmp_path_factory.mktemp("pool"), has_project=True) as address:
        yield address


def on_pool(jobs: str, pool: str, data=None, output=None) -> EngineRun:
    beam = BeamSettings(engine="portable", address=jobs, worker_pool=pool)
    return EngineRun(beam, data and str(data), output)


def test_a_run_that_would_work_passes_every_step_and_leaves_nothing(jobs, pool, sample, tmp_path):
    output = tmp_path / "new" / "out"
    done = petseg(
        "check-beam", "--data", sample, "--output", output, "--json", "--set", "beam.engine=portable",
        "--set", f"beam.address={jobs}", "--set", f"beam.worker_pool={pool}", timeout=300,
    )  # fmt: skip
    assert done.status == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["ok"] is True
    assert {step["status"] for step in answer["steps"]} == {"ok"}
    names = [step["step"] for step in answer["steps"]]
    assert names == ["address", "job server", "worker pool", "workers", "paths"]
    assert f"the workers see {sample} and {output}: TFRecords" in answer["steps"][-1]["detail"]
    assert not output.parent.exists()


def test_the_first_failing_step_is_the_last_and_its_remedy_the_error(pool):
    address = f"{LOOPBACK}:{reserve_port()}"
    done = petseg(
        "check-beam", "--set", "beam.engine=portable", "--set", f"beam.address={address}",
        "--set", f"beam.worker_pool={pool}", timeout=120,
    )  # fmt: skip
    assert done.status == 2
    assert done.stdout.startswith(
        f"failed   address               beam.address: nothing answers at {address}"
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.startswith(f"error: beam.address: nothing answers at {address}: ")


def test_a_pool_is_one_that_starts_workers(jobs, pool, tmp_path):
    assert check_worker_pool(on_pool(jobs, pool)).detail == f"{pool} starts workers"
    with pytest.raises(UserError, match=f"what answers at {jobs} is no worker pool of Beam .unimplemented"):
        check_worker_pool(on_pool(jobs, jobs))
    gone = f"{LOOPBACK}:{reserve_port()}"
    with pytest.raises(
        UserError, match=rf"beam\.worker_pool: nothing answers at {gone}: .*; start it with `py"
    ):
        check_worker_pool(on_pool(jobs, gone))


def test_a_pool_beside_each_machine_of_the_cluster_is_not_looked_for_here():
    found = check_worker_pool(on_pool("jobs.example.com:8099", "localhost:50000"))
    assert "cannot be seen from here" in found.detail


def test_a_pool_that_finds_no_python_is_refused(jobs, tmp_path):
    """The pool starts `python` by its name."""
    with (
        worker_pool(tmp_path, has_project=True, path="/nowhere") as pool,
        pytest.raises(UserError, match=r"cannot start a worker: .*'python'; start the pool where `python`"),
    ):
        check_worker_pool(on_pool(jobs, pool))


def test_a_dead_pool_is_named_by_the_engine_that_needs_it(jobs, tmp_path):
    gone = f"{LOOPBACK}:{reserve_port()}"
    with pytest.raises(UserError) as refused:
        check_workers(on_pool(jobs, gone, output=tmp_path))
    assert str(refused.value).startswith(
        f"beam.worker_pool: the engine at {jobs} cannot use the workers of {gone}: Connection refused; start"
    )


@pytest.fixture
def other_pool(request, tmp_path):
    """A pool whose workers differ: in a version, in their modules, or in the folders that they see."""
    (tmp_path / "home").mkdir()
    (tmp_path / "out").mkdir()
    with ExitStack() as stack:
        if request.param == "version":
            information = tmp_path / "shadow" / "tensorflow-2.0.0.dist-info"
            information.mkdir(parents=True)
            (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.0.0\n")
            options = {"has_project": True, "before": [str(information.parent)]}
        elif request.param == "module":
            options = {"has_project": False, "boots": False}
        else:
            if os.getuid() != 0 or shutil.which("unshare") is None:
                pytest.skip("only root can give a process its own mounts, with unshare")
            hidden = f"mount -t tmpfs none '{tmp_path / 'out'}' && exec \"$@\""
            options = {"has_project": True, "inside": ["unshare", "-m", "sh", "-c", hidden, "sh"]}
        yield stack.enter_context(worker_pool(tmp_path / "home", **options))


@pytest.mark.parametrize(
    ("other_pool", "step", "message"),
    [
        ("version", "workers", "TensorFlow is 2.0.0 on worker "),
        ("module", "workers", "the workers have no module p"),
        ("folder", "paths", "the workers do not see {output} as this process does"),
    ],
    indirect=["other_pool"],
)
def test_workers_that_differ_are_refused(jobs, other_pool, step, message, tmp_path):
    run = on_pool(jobs, other_pool, output=tmp_path / "out")
    *passed, last = check_engine(run, full=True)
    assert {each.status for each in passed} == {"ok"}
    assert (last.step, last.status) == (step, "failed")
    assert message.format(output=run.output) in last.detail
    assert list(run.output.iterdir()) == []
    assert look_up(run) == []
    if step == "workers":
        full = run.beam.model_copy(update={"check": "full"})
        with pytest.raises(UserError, match=message):
            look_up(EngineRun(full, output=run.output))
