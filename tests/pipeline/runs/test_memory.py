import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from pipeline.runs.memory import PeakMemory


def test_the_peak_is_seen_though_it_is_gone_at_the_end(monkeypatch):
    monkeypatch.setattr("pipeline.runs.memory.SECONDS_BETWEEN_SAMPLES", 0.01)
    with PeakMemory() as before:
        pass
    with PeakMemory() as memory:
        block = np.ones(500_000_000, np.uint8)
        give_up = time.monotonic() + 60
        while memory.megabytes < before.megabytes + 300 and time.monotonic() < give_up:
            time.sleep(0.01)
        del block
    assert memory.megabytes > before.megabytes + 300


def test_each_lap_has_a_peak_of_its_own():
    with PeakMemory() as memory:
        small = memory.lap()
        block = np.ones(500_000_000, np.uint8)
        large = memory.lap()
        del block
        after = memory.lap()
    assert large > small + 300
    assert after < large - 300
    assert memory.megabytes == large


LARGE_CHILD = "block = bytearray(b'1') * 300_000_000; print('ready', flush=True); input()"


@pytest.fixture
def large_child():
    """A child process that holds 300 MB."""
    child = subprocess.Popen(
        [sys.executable, "-c", LARGE_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    yield psutil.Process(child.pid)
    child.communicate("\n")


def test_living_children_count_although_another_one_has_ended(large_child, monkeypatch):
    ended_child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ended = psutil.Process(ended_child.pid)
    with PeakMemory() as memory:
        monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [])
        alone = memory.lap()
        ended_child.communicate(b"\n")
        monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [ended, large_child])
        assert memory.lap() > alone + 250
