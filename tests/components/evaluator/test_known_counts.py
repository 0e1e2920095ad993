"""The file of known counts, which every worker opens."""

import hashlib
import os
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.evaluator.known_counts import SCHEMA, KnownCounts

PHOTOS, BYTES = 2000, 20_000


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """40 MB of counts in row groups of 100 photos."""
    path = str(tmp_path_factory.mktemp("kept") / "counts.parquet")
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for start in range(0, PHOTOS, 100):
            numbers = range(start, start + 100)
            counted = [number.to_bytes(4, "big") + os.urandom(BYTES) for number in numbers]
            writer.write_table(pa.table({"record": map(digest, numbers), "counted": counted}, SCHEMA))
    return path


def test_each_photo_has_its_counts_in_any_order(file):
    known = KnownCounts(file)
    for number in (0, PHOTOS - 1, 99, 100, 1234, 5):
        counted = known.get(digest(number))
        assert int.from_bytes(counted[:4], "big") == number
        assert len(counted) == BYTES + 4
    assert known.get(digest(PHOTOS)) is None
    assert known.get(b"\xff" * 32) is None


def test_a_worker_holds_few_of_them(file):
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    known = KnownCounts(file)
    assert all(known.get(digest(number)) for number in range(PHOTOS))
    held = tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - before
    tracemalloc.stop()
    assert held < PHOTOS * BYTES / 4
