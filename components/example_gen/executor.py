"""Checks all pairs, decides which to keep, and writes their raw examples."""

import itertools
import json
import logging
import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
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

from components.example_gen.checks import check_pairs, make_example, small_features
from components.example_gen.listing import list_pairs
from components.example_gen.pairs import SPLITS, CheckedPair, PairSource
from components.example_gen.report import data_report, decide
from components.example_gen.settings import DataSettings
from components.example_gen.storage.blocks import Block, read_list, write_blocks, write_list
from components.example_gen.storage.spool import Spool
from components.example_gen.threads import OnThreads
from petseg.files.atomic import write_atomic

PAIRS_A_SHARD = 256

BLOCKS_AT_ONCE = 16
"""Blocks of sources whose pairs are checked in one go: at its begin and its end less is done at once."""

NEWEST_SPAN_FILE = "newest_span.parquet"

_progress = logging.getLogger("petseg")


class Executor(BaseExampleGenExecutor):
    """Two passes over the pairs.

    The first pass reads and checks each pair and keeps a few hundred bytes of it, on disk. They are enough to
    decide what concerns all pairs: the same photo in two splits, too many broken pairs, an empty split. The
    second pass writes shards of consecutive names. The shards are the same on every engine, and no engine
    ever holds or sorts the photos or the pairs: it carries only where a block of pairs lies.
    """

    def GetInputSourceToExamplePTransform(self) -> type["CheckBlocks"]:
        """The first pass. TFX's base class asks for a transform's class, contrary to its annotation."""
        return CheckBlocks

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
        self._write(decision.pairs, data, examples, scratch)
        tf.io.gfile.rmtree(scratch)
        report = json.dumps(data_report(listing, decision, data), indent=1)
        write_atomic(os.path.join(report_folder, "data_report.json"), report)
        if listing.newest_span:
            arrived = (pair for pair in decision.pairs if pair.source.span == listing.newest_span)
            _write_features(arrived, data, os.path.join(report_folder, NEWEST_SPAN_FILE))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")

    def _check(self, sources: Spool[PairSource], data: DataSettings, scratch: str) -> Spool[CheckedPair]:
        blocks = write_blocks(os.path.join(scratch, "sources"), sources.blocks())
        checked = os.path.join(scratch, "checked")
        tf.io.gfile.makedirs(checked)
        files = [os.path.join(checked, f"{number:07d}") for number in range(len(blocks))]
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Blocks" >> beam.Create(list(zip(blocks, files, strict=True)))
                | "Check" >> self.GetInputSourceToExamplePTransform()(data)
            )
        return Spool(pair for file in files for pair in read_list(file))

    def _write(
        self, pairs: Sequence[CheckedPair], data: DataSettings, examples: types.Artifact, scratch: str
    ) -> None:
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(_shards(pairs, examples, scratch))
                | "Spread" >> beam.Reshuffle()
                | "Write" >> beam.ParDo(OnThreads(partial(_write_block, data=data)))
            )


class CheckBlocks(beam.PTransform):
    """Reads and checks pairs: the Block of the sources and the file for the checked pairs in, nothing out."""

    def __init__(self, data: DataSettings):
        super().__init__()
        self._data = data

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Spreads the blocks over the workers and checks their pairs."""
        return blocks | "Spread" >> beam.Reshuffle() | "Check" >> beam.ParDo(_Check(self._data))


class _Check(beam.DoFn):
    """Checks the pairs of blocks of sources and writes each block's to its file."""

    def __init__(self, data: DataSettings):
        super().__init__()
        self._data = data

    def start_bundle(self) -> None:
        self._blocks: list[tuple[Block, str]] = []

    def process(self, block_and_file: tuple[Block, str]) -> None:
        self._blocks.append(block_and_file)
        if len(self._blocks) == BLOCKS_AT_ONCE:
            self.finish_bundle()

    def finish_bundle(self) -> None:
        sources = [block.load() for block, _ in self._blocks]
        checked = check_pairs(itertools.chain.from_iterable(sources), self._data)
        for (_, file), members in zip(self._blocks, sources, strict=True):
            write_list(file, list(itertools.islice(checked, len(members))))
        self._blocks = []


def _write_block(block_and_file: tuple[Block, str], data: DataSettings) -> None:
    block, file = block_and_file
    write_shard(file, block.load(), data)


def write_shard(file: str, pairs: Iterable[CheckedPair], data: DataSettings) -> None:
    """Writes one shard of raw examples, whole or not at all."""
    unfinished = f"{file}.part"
    # Photos and masks are compressed already: deflating them once more costs seconds and saves nothing.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=0)
    tf.io.gfile.makedirs(os.path.dirname(file))
    with tf.io.TFRecordWriter(unfinished, options) as writer:
        for pair in pairs:
            writer.write(make_example(pair, data).SerializeToString(deterministic=True))
    tf.io.gfile.rename(unfinished, file, overwrite=True)


def _write_features(pairs: Iterable[CheckedPair], data: DataSettings, file: str) -> None:
    """Writes the small features of the training pairs, one row each, for DatasetGate to compare spans."""
    rows = [small_features(pair, data) for pair in pairs if pair.source.split == "train"]
    table = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), table)
    write_atomic(file, table.getvalue().to_pybytes())


def _shards(pairs: Sequence[CheckedPair], examples: types.Artifact, scratch: str) -> list[tuple[Block, str]]:
    """Where the pairs of each shard are, and its file: consecutive names of one split."""
    sizes = Counter(pair.source.split for pair in pairs)
    files: list[str] = []

    def members() -> Iterator[bytes]:
        filling: dict[str, list[CheckedPair]] = {split: [] for split in SPLITS}
        written = Counter[str]()
        for pair in pairs:
            split = pair.source.split
            filling[split].append(pair)
            done = written[split] + len(filling[split])
            if len(filling[split]) == PAIRS_A_SHARD or done == sizes[split]:
                shard, of = written[split] // PAIRS_A_SHARD, -(-sizes[split] // PAIRS_A_SHARD)
                folder = artifact_utils.get_split_uri([examples], split)
                files.append(os.path.join(folder, f"data_tfrecord-{shard:05d}-of-{of:05d}.gz"))
                yield pickle.dumps(filling[split], pickle.HIGHEST_PROTOCOL)
                written[split] += len(filling[split])
                filling[split] = []

    blocks = write_blocks(os.path.join(scratch, "shards"), members())
    return list(zip(blocks, files, strict=True))
