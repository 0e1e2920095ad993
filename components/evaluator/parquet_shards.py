"""Tables that Beam's workers write in shards, so that no process holds all rows, and that become one file."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from petseg.files.atomic import atomic_file

ROWS_OF_A_BATCH = 256
BYTES_SORTED_AT_ONCE = 2**26


def write_shards(folder: str, schema: pa.Schema) -> beam.PTransform:
    """Writes rows, dicts of Python values, as Parquet files into a folder: one for each bundle of Beam."""
    return beam.io.WriteToParquet(os.path.join(folder, "rows"), schema, file_name_suffix=".parquet")


def join_shards(folder: str, path: str) -> None:
    """Makes one file of the shards, whole or not at all, and removes them."""
    with atomic_file(path) as unfinished, pq.ParquetWriter(unfinished, _schema(folder)) as writer:
        for batch in _batches(folder):
            writer.write_batch(batch)
    shutil.rmtree(folder)


def sort_shards(folder: str, path: str, key: str) -> None:
    """Makes one file of the shards, sorted by a column of distinct strings, and removes them.

    Rather than to hold all rows, it reads the shards several times and takes the next rows each time.
    """
    keys = [column for batch in _batches(folder, [key]) for column in batch.columns]
    count = sum(map(len, keys))
    ranks = np.empty(count, np.int64)
    ranks[pc.sort_indices(pa.chunked_array(keys, pa.string())).to_numpy()] = np.arange(count)
    at_once = max(1, count * BYTES_SORTED_AT_ONCE // max(1, _bytes(folder)))
    with atomic_file(path) as unfinished, pq.ParquetWriter(unfinished, _schema(folder)) as writer:
        for start in range(0, count, at_once):
            rows = pa.Table.from_batches(_with_ranks(folder, ranks, start, start + at_once))
            writer.write_table(rows.sort_by(key))
    shutil.rmtree(folder)


def _with_ranks(folder: str, ranks: np.ndarray, start: int, stop: int) -> Iterator[pa.RecordBatch]:
    """The rows whose rank is in a range."""
    seen = 0
    for batch in _batches(folder):
        ranks_of_batch = ranks[seen : seen + len(batch)]
        seen += len(batch)
        yield batch.filter(pa.array((ranks_of_batch >= start) & (ranks_of_batch < stop)))


def _batches(folder: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    for file in _files(folder):
        yield from pq.ParquetFile(file).iter_batches(ROWS_OF_A_BATCH, columns=columns)


def _schema(folder: str) -> pa.Schema:
    return pq.read_schema(_files(folder)[0])


def _bytes(folder: str) -> int:
    """Bytes of all rows once they are decompressed."""
    return sum(
        shard.row_group(group).total_byte_size
        for shard in map(pq.read_metadata, _files(folder))
        for group in range(shard.num_row_groups)
    )


def _files(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("*.parquet"))
