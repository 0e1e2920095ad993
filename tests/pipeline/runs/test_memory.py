import time

import numpy as np

from pipeline.runs.memory import PeakMemory


def test_the_peak_is_seen_though_it_is_gone_at_the_end(monkeypatch):
    monkeypatch.setattr("pipeline.runs.memory.SECONDS_BETWEEN_SAMPLES", 0.01)
    with PeakMemory() as before:
        pass
    with PeakMemory() as memory:
        block = np.ones(500_000_000, np.uint8)
        time.sleep(0.5)
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
