"""Counts of models evaluated before: the model in production was the candidate once, on the same photos."""

import functools
import io
import os
import shutil
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.evaluator.metrics.summed_counts import Counted
from components.evaluator.parquet_shards import ROWS_OF_A_BATCH, join_shards, write_shards

SCHEMA = pa.schema([("record", pa.binary()), ("counted", pa.binary())])


def write_known_counts(folder: str, model_name: str, record_key: str, counts_key: str) -> beam.PTransform:
    """Writes a model's counts of each photo, by the SHA-256 of the raw example.

    Args:
        folder: Folder of the shards, see `parquet_shards`.
        model_name: Name of the model in the extracts.
        record_key: Key of the extracts with the digest.
        counts_key: Key of the extracts with {model name: Counted}.
    """

    def row(extract: dict[str, Any]) -> dict[str, bytes]:
        arrays = io.BytesIO()
        # Of many classes most cells are zero.
        np.savez_compressed(arrays, **extract[counts_key][model_name])
        return {"record": extract[record_key], "counted": arrays.getvalue()}

    return "MakeRows" >> beam.Map(row) | "WriteRows" >> write_shards(folder, SCHEMA)


def keep_known_counts(written: str, folder: str) -> None:
    """Moves the counts of a finished pass into the folder that outlives it, each file whole or not at all.

    Args:
        written: Folder with a folder for each file, which `write_known_counts` wrote into; removed.
        folder: Where the files are kept.
    """
    for name in os.listdir(written) if os.path.isdir(written) else ():
        join_shards(os.path.join(written, name), os.path.join(folder, name))
    shutil.rmtree(written, ignore_errors=True)


def has_known_counts(path: str) -> bool:
    """Whether the file is there and is Parquet to its end; a damaged one is written anew."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return False
    return True


class KnownCounts:
    """The counts in a file, by the SHA-256 of the raw example.

    Every worker opens the file, so it holds 40 bytes a photo and reads the counts when they are asked for, a
    row group of the file at a time.
    """

    def __init__(self, path: str):
        """Reads the digests."""
        self._file = pq.ParquetFile(path)
        batches = self._file.iter_batches(ROWS_OF_A_BATCH, columns=["record"])
        digests = np.frombuffer(b"".join(b"".join(batch.column(0).to_pylist()) for batch in batches), "S32")
        self._rows = np.argsort(digests)
        self._digests = digests[self._rows]
        metadata = self._file.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self._ends = np.cumsum(sizes)
        self._group = functools.lru_cache(maxsize=2)(self._read_group)

    def get(self, digest: bytes) -> bytes | None:
        """Returns the counts of a photo, for `decode_counts`; None where they are not known."""
        # NumPy gives its strings back without zeros at their end.
        digest = digest.rstrip(b"\0")
        found = int(np.searchsorted(self._digests, np.bytes_(digest)))
        if found == len(self._digests) or self._digests[found] != digest:
            return None
        row = int(self._rows[found])
        group = int(np.searchsorted(self._ends, row, side="right"))
        start = int(self._ends[group - 1]) if group else 0
        counted: bytes = self._group(group)[row - start].as_py()
        return counted

    def _read_group(self, group: int) -> pa.ChunkedArray:
        return self._file.read_row_group(group, columns=["counted"])["counted"]


def decode_counts(counted: bytes) -> Counted:
    """One photo's counts."""
    with np.load(io.BytesIO(counted)) as arrays:
        return dict(arrays)
