"""Checks all pairs, decides which to keep, and writes their raw examples."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tfx import types
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.example_gen.checks import check_pair, make_example, small_features
from components.example_gen.listing import list_pairs
from components.example_gen.pairs import SPLITS, CheckedPair, PairSource
from components.example_gen.report import data_report, decide
from components.example_gen.settings import DataSettings
from petseg.files.atomic import write_atomic

PAIRS_A_SHARD = 256

NEWEST_SPAN_FILE = "newest_span.parquet"

_progress = logging.getLogger("petseg")


class Executor(BaseExampleGenExecutor):
    """Two passes over the pairs.

    The first pass reads and checks each pair and keeps a few hundred bytes of it. They are enough to decide
    what concerns all pairs: the same photo in two splits, too many broken pairs, an empty split. The second
    pass writes shards of consecutive names. The shards are the same on every engine, and no engine ever holds
    or sorts the photos.
    """

    def GetInputSourceToExamplePTransform(self) -> type["CheckPairs"]:
        """The first pass. TFX's base class asks for a transform's class, contrary to its annotation."""
        return CheckPairs

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the `examples` and the `data_report`.

        Raises:
            UserError: The data is missing, too broken, or a split is empty.
        """
        data = DataSettings.model_validate_json(exec_properties["data"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        report_folder = artifact_utils.get_single_instance(output_dict["data_report"]).uri
        scratch = os.path.join(report_folder, "scratch")
        listing = list_pairs(data, scratch)
        _progress.info("reading %d pairs from %s", len(listing.pairs), data.path)
        checked = self._check(listing.pairs, data, scratch)
        decision = decide(listing, checked, data)
        self._write(decision.pairs, data, examples)
        tf.io.gfile.rmtree(scratch)
        report = json.dumps(data_report(listing, decision, data), indent=1)
        write_atomic(os.path.join(report_folder, "data_report.json"), report)
        if listing.newest_span:
            arrived = [pair for pair in decision.pairs if pair.source.span == listing.newest_span]
            _write_features(arrived, data, os.path.join(report_folder, NEWEST_SPAN_FILE))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")

    def _check(self, sources: Sequence[PairSource], data: DataSettings, scratch: str) -> list[CheckedPair]:
        # Through files: the workers of a remote engine share nothing else with this process.
        found = os.path.join(scratch, "checked")
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Pairs" >> beam.Create(sources)
                | "Check" >> self.GetInputSourceToExamplePTransform()(data)
                | "ToJson" >> beam.Map(CheckedPair.to_json)
                | "Keep" >> beam.io.WriteToText(found)
            )
        by_name = {source.name: source for source in sources}
        checked: list[CheckedPair] = []
        for file in tf.io.gfile.glob(f"{found}*"):
            with tf.io.gfile.GFile(file) as lines:
                checked.extend(CheckedPair.from_json(line, by_name) for line in lines)
        return checked

    def _write(self, pairs: list[CheckedPair], data: DataSettings, examples: types.Artifact) -> None:
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(list(_shards(pairs, examples)))
                | "Spread" >> beam.Reshuffle()
                | "Write" >> beam.Map(write_shard, data=data)
            )


class CheckPairs(beam.PTransform):
    """Reads and checks pairs: PairSource in, CheckedPair out."""

    def __init__(self, data: DataSettings):
        super().__init__()
        self._data = data

    def expand(self, sources: beam.PCollection) -> beam.PCollection:
        """Spreads the pairs over the workers and checks them."""
        return sources | "Spread" >> beam.Reshuffle() | "Check" >> beam.Map(check_pair, data=self._data)


@dataclass(frozen=True)
class Shard:
    """A file of raw examples and its pairs."""

    file: str
    pairs: tuple[CheckedPair, ...]


def write_shard(shard: Shard, data: DataSettings) -> None:
    """Writes one shard of raw examples, whole or not at all."""
    unfinished = f"{shard.file}.part"
    # Photos and masks are compressed already. A higher level costs seconds and saves nothing.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    tf.io.gfile.makedirs(os.path.dirname(shard.file))
    with tf.io.TFRecordWriter(unfinished, options) as writer:
        for pair in shard.pairs:
            writer.write(make_example(pair, data).SerializeToString(deterministic=True))
    tf.io.gfile.rename(unfinished, shard.file, overwrite=True)


def _write_features(pairs: list[CheckedPair], data: DataSettings, file: str) -> None:
    """Writes the small features of the training pairs, one row each, for DatasetGate to compare spans."""
    rows = [small_features(pair, data) for pair in pairs if pair.source.split == "train"]
    table = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), table)
    write_atomic(file, table.getvalue().to_pybytes())


def _shards(pairs: list[CheckedPair], examples: types.Artifact) -> Iterator[Shard]:
    for split in SPLITS:
        split_folder = artifact_utils.get_split_uri([examples], split)
        members = [pair for pair in pairs if pair.source.split == split]
        count = -(-len(members) // PAIRS_A_SHARD)
        for shard in range(count):
            file = os.path.join(split_folder, f"data_tfrecord-{shard:05d}-of-{count:05d}.gz")
            yield Shard(file, tuple(members[shard * PAIRS_A_SHARD : (shard + 1) * PAIRS_A_SHARD]))
