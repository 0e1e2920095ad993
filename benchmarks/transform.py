"""What Transform takes beside TFX's own, and where its time goes.

    python -m benchmarks.transform --data "$PETSEG_DATA"

Makes raw examples of pets of the training list, and runs the node's executor and TFX's own on them in turn,
with in-memory Beam, at 128 pixels and, as the configs do that crop, at a second size 1.5 times as large.
Prints JSON objects with CPU seconds, which other programs on the machine hardly change, and `wall_seconds`:

- `node`, `tfx`: the node and TFX's own, without what they take for a few pairs,
- `start`: the node on a few pairs, most of it the building and tracing of graphs,
- `graph`: decoding and resizing alone, by the same transform graph in a plain loop,
- `write`: writing the same transformed examples alone.

What remains is Beam's: reading twice, for the analysis too, and carrying. Takes three minutes on 2 cores.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tfx.components.transform.executor import Executor as TfxExecutor

from benchmarks.pets import PETS_DATA
from components.transform.executor import Executor
from pipeline.beam_settings import BeamSettings
from pipeline.settings import load_settings

FIRST = 40
"""Pairs of the small run."""

SCALES = (1.0, 1.5)
SPLITS = ("train", "eval")
BATCH = 64


def write_examples(data: str, folder: Path, pairs: int | None) -> int:
    """Writes raw examples of the first pairs of each split; returns their number."""
    from components.example_gen.checks import check_pairs
    from components.example_gen.executor import PAIRS_A_SHARD, write_shard
    from components.example_gen.listing import list_pairs

    settings = PETS_DATA.model_copy(update={"path": data})
    sources = [pair for pair in list_pairs(settings, scratch="").pairs if pair.split in SPLITS]
    step = max(1, len(sources) // (pairs or len(sources)))
    checked = list(check_pairs(sources[::step][:pairs], settings))
    for split in SPLITS:
        members = [pair for pair in checked if pair.source.split == split and not pair.broken]
        for start in range(0, len(members), PAIRS_A_SHARD):
            file = folder / f"Split-{split}" / f"data_tfrecord-{start:05d}.gz"
            write_shard(str(file), members[start : start + PAIRS_A_SHARD], settings)
    return len(checked)


class Stopwatch:
    """CPU seconds and wall seconds since its start."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def stop(self) -> tuple[float, float]:
        """Returns both."""
        return time.process_time() - self._cpu, time.monotonic() - self._wall


def transform(
    examples: Path, scale: float, output: Path, executor: type[TfxExecutor] = Executor
) -> tuple[float, float]:
    """CPU and wall seconds of an executor."""
    from tfx.components.util import examples_utils
    from tfx.proto import example_gen_pb2
    from tfx.types import artifact_utils, standard_artifacts

    from components.schema_import.executor import Executor as SchemaImport
    from components.transform.component import Transform
    from pipeline.node_properties import NodeProperties
    from pipeline.paths import Observed, Paths

    settings = load_settings(
        Path("configs/data/pets.yaml"), ["model.image_size=128", f"transform.training_scale={scale}"]
    )
    properties = NodeProperties(settings, Paths("", "", ""), Observed())
    shutil.rmtree(output, ignore_errors=True)
    artifacts = {
        "examples": standard_artifacts.Examples(),
        "schema": standard_artifacts.Schema(),
        "examples_schema": standard_artifacts.Schema(),
        "transform_graph": standard_artifacts.TransformGraph(),
        "transformed_examples": standard_artifacts.Examples(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(output / name)
        os.makedirs(artifact.uri)
    raw = artifacts["examples"]
    raw.uri = str(examples)
    raw.split_names = artifact_utils.encode_split_names(list(SPLITS))
    examples_utils.set_payload_format(raw, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(raw, "tfrecords_gzip")
    node = Transform(examples=_channel(raw), schema=_channel(artifacts["schema"]), **properties.transform())
    schemas: dict[str, Any] = {name: [artifacts[name]] for name in ("schema", "examples_schema")}
    SchemaImport().Do({}, schemas, properties.schema_gen())
    context = executor.Context(
        beam_pipeline_args=BeamSettings().pipeline_args, tmp_dir=str(output), unique_id="1"
    )
    stopwatch = Stopwatch()
    executor(context).Do(
        {"examples": [raw], "schema": [artifacts["examples_schema"]]},
        {name: [artifacts[name]] for name in ("transform_graph", "transformed_examples")},
        node.exec_properties,
    )
    return stopwatch.stop()


def _channel(artifact: Any) -> Any:
    from tfx.types import channel_utils

    return channel_utils.as_channel([artifact])


def graph(examples: Path, output: Path) -> float:
    """CPU seconds of the transform graph alone."""
    import tensorflow as tf
    import tensorflow_transform as tft

    transformed = tft.TFTransformOutput(str(output / "transform_graph"))
    names = ("image/encoded", "mask/encoded", "image/name")
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    layer = transformed.transform_features_layer()
    files = sorted(map(str, examples.glob("Split-*/*")))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def apply(records: tf.Tensor) -> dict[str, tf.Tensor]:
        return layer(tf.io.parse_example(records, spec))

    batches = list(tf.data.TFRecordDataset(files, "GZIP").batch(BATCH))
    apply(batches[0][:1])
    stopwatch = Stopwatch()
    for records in batches:
        apply(records)
    return stopwatch.stop()[0]


def write(output: Path) -> tuple[float, int]:
    """CPU seconds that writing the transformed examples takes alone, and the bytes of the files."""
    import tensorflow as tf

    from components.transform.pixel_sink import PixelSink

    files = sorted(output.glob("transformed_examples/Split-*/*"))
    records = list(tf.data.TFRecordDataset(list(map(str, files)), "GZIP").as_numpy_iterator())
    sink = PixelSink(str(output / "again"))
    stopwatch = Stopwatch()
    writer = sink.open(str(output / "again"))
    for record in records:
        sink.write_encoded_record(writer, record)
    sink.close(writer)
    return stopwatch.stop()[0], sum(file.stat().st_size for file in files)


def main() -> None:
    """Measures the node at one size and at two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="The pets, in their official layout.")
    parser.add_argument("--pairs", type=int, default=1000, help="Number of pairs.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        few, all_of_them, output = (Path(scratch, name) for name in ("few", "all", "output"))
        write_examples(arguments.data, few, FIRST)
        pairs = write_examples(arguments.data, all_of_them, arguments.pairs)
        transform(few, SCALES[0], output)
        for scale in SCALES:
            load = os.getloadavg()[0]
            tfx_start, tfx_start_wall = transform(few, scale, output, TfxExecutor)
            tfx, tfx_wall = transform(all_of_them, scale, output, TfxExecutor)
            start, start_wall = transform(few, scale, output)
            node, node_wall = transform(all_of_them, scale, output)
            writing, size = write(output)
            found = {
                "start": start,
                "node": node - start,
                "tfx": tfx - tfx_start,
                "graph": graph(all_of_them, output),
                "write": writing,
                "ratio": (node - start) / (tfx - tfx_start),
                "load": load,
            }
            walls = {
                "start": round(start_wall, 1),
                "node": round(node_wall - start_wall, 1),
                "tfx": round(tfx_wall - tfx_start_wall, 1),
            }
            rounded = {name: round(value, 2) for name, value in found.items()}
            sizes = {"pairs": pairs, "sizes": 1 if scale == 1 else 2}
            print(
                json.dumps(sizes | rounded | {"wall_seconds": walls, "megabytes": round(size / 10**6)}),
                flush=True,
            )


if __name__ == "__main__":
    main()
