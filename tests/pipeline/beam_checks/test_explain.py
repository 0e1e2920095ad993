"""What engines say when they fail, and what a person is told."""

import pytest

from pipeline.beam_checks.explain import explain
from pipeline.beam_settings import BeamSettings

POOL = "beam.worker_pool: the engine at flink:8081 cannot use the workers of pool:50000: Connection refused"
FLINK = BeamSettings(engine="flink", address="flink:8081", worker_pool="pool:50000", workers=4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # Flink 1.19.3 with a dead worker pool.
        (
            "UNAVAILABLE: io exception\nCaused by: java.net.ConnectException: Connection refused",
            POOL,
        ),
        # gRPC in Python.
        (
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.7:50000: Failed to connect",
            POOL,
        ),
        (
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.6:8081: Failed to connect",
            "beam.address: flink:8081 does not answer any more: Connection refused",
        ),
        # Flink 1.19.3 with 256 MB of network memory.
        (
            "IOException: Insufficient number of network buffers: required 512, but only 463 available",
            "set taskmanager.network.sort-shuffle.min-buffers: 16",
        ),
        # Flink 1.19.3 without a restart strategy, a TaskManager killed.
        (
            "TaskManager with id 10.0.0.7:6122-1 is no longer reachable.",
            "set restart-strategy.type: fixed",
        ),
        (
            "NoResourceAvailableException: Could not acquire the minimum",
            "Flink has no 4 free slots",
        ),
        (
            "Unable to fetch remote job server jar at https://repo.example.com/server.jar: HTTP Error 404",
            "fetch https://repo.example.com/server.jar and name it in beam.args: --flink_job_server_jar=",
        ),
        ("ModuleNotFoundError: No module named 'components'", "the workers have no module components; start"),
    ],
)
def test_setting_and_remedy_are_named(text, told):
    explained = explain(text, FLINK)
    assert told in explained
    assert "\n" not in explained


def test_what_is_not_known_or_of_this_machine_is_left_as_it_is():
    assert explain("ValueError: 3", FLINK) is None
    assert explain("No module named 'components'", BeamSettings()) is None
