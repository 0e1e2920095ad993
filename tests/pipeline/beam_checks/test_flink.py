"""What a run finds out about a Flink cluster: with recorded answers, and on a real one."""

import pytest

from petseg.errors import UserError
from pipeline.beam_checks import flink
from pipeline.beam_checks.check import EngineRun
from pipeline.beam_settings import BeamSettings
from tests.flink import flink_cluster, flink_stand_in

MIN_BUFFERS = "taskmanager.network.sort-shuffle.min-buffers"
FITTING = {MIN_BUFFERS: 16, "restart-strategy.type": "fixed-delay"}


def on_flink(address: str, **settings: object) -> EngineRun:
    beam = {"engine": "flink", "address": address, "worker_pool": "localhost:50000", **settings}
    return EngineRun(BeamSettings.model_validate(beam))


@pytest.fixture
def answers():
    with flink_stand_in() as answers:
        yield answers


def test_a_version_without_a_job_server_of_beam_is_refused(answers):
    found = flink.check_version(on_flink(answers.address))
    assert found.detail.startswith("the cluster runs 1.19.3, for which Beam")
    assert not found.is_warning
    answers.answers["/config"]["flink-version"] = "1.12.7"
    with pytest.raises(
        UserError, match=r"job servers for Flink 1\.\d+, .*; the cluster runs 1\.12\.7; use one"
    ):
        flink.check_version(on_flink(answers.address))
    with pytest.raises(UserError, match=r"beam\.flink_version is 1\.13; use one of these"):
        flink.check_version(on_flink(answers.address, flink_version="1.13"))


def test_another_version_than_the_clusters_is_a_warning(answers):
    assert not flink.check_version(on_flink(answers.address, flink_version="1.19")).is_warning
    found = flink.check_version(on_flink(answers.address, flink_version="1.20"))
    assert found.is_warning
    assert found.detail == "the cluster runs 1.19.3, and beam.flink_version says 1.20"


def test_too_few_free_slots_are_refused(answers):
    assert flink.check_slots(on_flink(answers.address)).detail == "2 of 2 slots are free for 2 workers"
    answers.answers["/overview"]["slots-available"] = 1
    with pytest.raises(
        UserError, match=r"Flink has 1 free slots of 2 for 2 workers; set beam\.workers=1, sta"
    ):
        flink.check_slots(on_flink(answers.address))


def test_a_cluster_that_starts_task_managers_on_demand_is_not_refused(answers):
    answers.answers["/overview"] |= {"taskmanagers": 0, "slots-total": 0, "slots-available": 0}
    answers.answers["/taskmanagers"] = {"taskmanagers": []}
    with pytest.raises(UserError, match="Flink has 0 free slots of 0"):
        flink.check_slots(on_flink(answers.address))
    answers.configure({"kubernetes.cluster-id": "petseg"})
    assert flink.check_slots(on_flink(answers.address)).is_warning
    assert flink.check_network_memory(on_flink(answers.address)).is_warning
    answers.configure({MIN_BUFFERS: 16})
    assert not flink.check_network_memory(on_flink(answers.address)).is_warning


def test_network_memory_that_was_seen_to_be_too_little_is_refused(answers):
    """StatisticsGen ended in 256 MB with the default of 512 buffers a task, and ran with 16."""
    (task_manager,) = answers.answers["/taskmanagers"]["taskmanagers"]
    task_manager["memoryConfiguration"]["networkMemory"] = 256 * 2**20
    with pytest.raises(
        UserError, match=rf"256 MB of network memory, room for 16 tasks .*: 512; .*; set {MIN_BUFFERS}: 16 or"
    ):
        flink.check_network_memory(on_flink(answers.address))
    answers.configure({MIN_BUFFERS: 64})
    found = flink.check_network_memory(on_flink(answers.address))
    assert found.is_warning
    assert "room for 128 tasks" in found.detail
    answers.configure({MIN_BUFFERS: 16})
    assert not flink.check_network_memory(on_flink(answers.address)).is_warning
    answers.configure({"taskmanager.memory.segment-size": "1 mb"})
    with pytest.raises(UserError, match="room for 16 tasks"):
        flink.check_network_memory(on_flink(answers.address))


@pytest.mark.parametrize("key", ["restart-strategy", "restart-strategy.type"])
def test_a_cluster_without_restarts_is_a_warning(answers, key):
    found = flink.check_restarts(on_flink(answers.address))
    assert found.is_warning
    assert "a lost TaskManager ends the node; set restart-strategy.type: fixed-delay" in found.detail
    answers.configure({key: "fixed-delay"})
    assert flink.check_restarts(on_flink(answers.address)).detail == "restart-strategy is fixed-delay"


def test_a_job_server_of_ones_own_leads_to_flink_by_an_argument(answers):
    portable = {"engine": "portable", "address": "jobs:8099", "worker_pool": "localhost:50000"}
    alone = EngineRun(BeamSettings.model_validate(portable))
    assert flink.check_slots(alone) is flink.check_network_memory(alone) is None
    named = portable | {"args": [f"--flink_master=http://{answers.address}"], "workers": 3}
    with pytest.raises(UserError, match="Flink has 2 free slots of 2 for 3 workers"):
        flink.check_slots(EngineRun(BeamSettings.model_validate(named)))


def test_a_job_is_canceled_by_its_name(answers):
    answers.answers["/jobs/overview"] = {
        "jobs": [
            {"jid": "a1", "name": "mine", "state": "FINISHED", "end-time": 1795816088536},
            {"jid": "a2", "name": "mine", "state": "RUNNING", "end-time": -1},
            {"jid": "b1", "name": "other", "state": "RUNNING", "end-time": -1},
            {"jid": "b2", "name": "other", "state": "RUNNING", "end-time": -1},
        ]
    }
    for name in ("mine", "other", "none"):
        flink.cancel_job(on_flink(answers.address).beam, name)
    assert answers.patched == ["/jobs/a2?mode=cancel"]


@pytest.mark.slow
def test_a_real_flink_with_its_defaults_is_refused(tmp_path):
    with flink_cluster(tmp_path, {}) as address:
        run = on_flink(address)
        assert "the cluster runs 1." in flink.check_version(run).detail
        assert flink.with_flink_version(run.beam).flink_version.startswith("1.")
        assert flink.check_slots(run).detail == "2 of 2 slots are free for 2 workers"
        with pytest.raises(UserError, match=r"beam\.workers: Flink has 2 free slots of 2 for 3 workers"):
            flink.check_slots(on_flink(address, workers=3))
        with pytest.raises(
            UserError, match=rf"64 MB of network memory, room for 4 tasks with {MIN_BUFFERS}: 5"
        ):
            flink.check_network_memory(run)
        assert flink.check_restarts(run).is_warning


@pytest.mark.slow
def test_a_real_flink_with_the_settings_of_the_guide_passes(tmp_path):
    memory = {"taskmanager.memory.network.min": "256m", "taskmanager.memory.process.size": "1200m"}
    with flink_cluster(tmp_path, FITTING | memory) as address:
        run = on_flink(address)
        found = flink.check_network_memory(run)
        assert found.detail.endswith(f"256 MB of network memory, room for 512 tasks with {MIN_BUFFERS}: 16")
        assert not found.is_warning
        assert flink.check_restarts(run).detail == "restart-strategy is fixed-delay"
