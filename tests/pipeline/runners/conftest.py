"""A Flink and a Java whose place others take, for what Beam starts."""

from collections.abc import Iterator

import pytest

from tests.beam_java import StandInJava, fitting_flink, stand_in_java


@pytest.fixture
def java(tmp_path, monkeypatch) -> StandInJava:
    java = stand_in_java(tmp_path)
    monkeypatch.setenv("JOB_SERVERS", str(java.job_servers))
    return java


@pytest.fixture
def flink() -> Iterator[str]:
    with fitting_flink() as address:
        yield address
