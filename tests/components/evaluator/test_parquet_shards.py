"""Shards become one file, sorted or not, whatever is held at once."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.evaluator import parquet_shards
from components.evaluator.parquet_shards import join_shards, sort_shards

COUNTS = pa.field("counts", pa.list_(pa.int64()), metadata={"shape": "1"})
SCHEMA = pa.schema([pa.field("name", pa.string()), COUNTS])


def write(folder: Path, shards: list[list[str]]) -> list[dict[str, object]]:
    """Writes a row for each name; returns them."""
    folder.mkdir(parents=True)
    rows = [
        [{"name": name, "counts": [len(name), number]} for number, name in enumerate(shard)]
        for shard in shards
    ]
    for number, shard in enumerate(rows):
        pq.write_table(pa.Table.from_pylist(shard, SCHEMA), folder / f"rows-{number}.parquet")
    return [row for shard in rows for row in shard]


@given(names=st.sets(st.text(max_size=4)), shards=st.integers(1, 4), at_once=st.sampled_from([1, 100, 2**20]))
def test_sorted(tmp_path_factory, names, shards, at_once):
    scratch = tmp_path_factory.mktemp("shards")
    mixed = sorted(names, key=lambda name: name[::-1])
    rows = write(scratch / "rows", [mixed[shard::shards] for shard in range(shards)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_shards, "BYTES_SORTED_AT_ONCE", at_once)
        sort_shards(str(scratch / "rows"), str(scratch / "all.parquet"), "name")
    table = pq.read_table(scratch / "all.parquet")
    assert table.to_pylist() == sorted(rows, key=lambda row: str(row["name"]).encode())
    assert table.schema.field("counts").metadata == {b"shape": b"1"}
    assert not (scratch / "rows").exists()


def test_joined_in_order(tmp_path):
    rows = write(tmp_path / "rows", [["b", "a"], [], ["c"]])
    join_shards(str(tmp_path / "rows"), str(tmp_path / "all.parquet"))
    assert pq.read_table(tmp_path / "all.parquet").to_pylist() == rows
    assert not (tmp_path / "rows").exists()
