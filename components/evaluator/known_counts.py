"""Counts of models evaluated before: the model in production was the candidate once, on the same photos."""

import io
import os
import shutil
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.evaluator.metrics.summed_counts import Counted
from components.evaluator.parquet_shards import join_shards, write_shards

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


def read_known_counts(path: str) -> dict[bytes, bytes]:
    """Reads the file back: a model's counts, for `decode_counts`, by the SHA-256 of the raw example."""
    table = pq.read_table(path)
    return dict(zip(table["record"].to_pylist(), table["counted"].to_pylist(), strict=True))


def decode_counts(counted: bytes) -> Counted:
    """One photo's counts."""
    with np.load(io.BytesIO(counted)) as arrays:
        return dict(arrays)
