"""The four Beam nodes on several engines: seconds, the driver's memory, and whether they write the same.

    python -m benchmarks.beam_engines
    python -m benchmarks.beam_engines --pairs 120 240 480 \
        --engine in_memory --engine "portable beam.address=localhost:8099 beam.worker_pool=localhost:50000"

Draws the demo's pairs and runs the whole pipeline on each engine with one epoch of training. An `--engine` is
a value of `beam.engine`, and settings after it. Without any, `in_memory` and `multi_processing` with two
workers are measured. Prints a JSON object for each node, engine and number of pairs: wall seconds, and the
highest resident memory of the driver while the node ran, in MB, without that of Beam's workers. Memory that
an earlier node left counts, so look at what more pairs add. Then compares with the first engine: raw examples
byte for byte, transformed examples parsed, since Beam gives neither their shards nor their features an order,
and each test photo's counts in the evaluation. Takes three minutes an engine with 120 pairs on 2 free cores.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks.pipeline_runs import PROJECT, as_arguments
from pipeline.runs.run_folder import find_run

ENGINES = ("in_memory", "multi_processing beam.workers=2")
BEAM_NODES = ("SegmentationExampleGen", "StatisticsGen", "Transform", "Evaluator")
SETTINGS = ["trainer.epochs=1", "evaluation.floor=0"]
SECONDS_BETWEEN_SAMPLES = 0.1
LAST_LINES = 20


def run(data: Path, output: Path, engine: str) -> dict[str, int]:
    """Runs the pipeline on an engine.

    Returns:
        The driver's highest resident memory in MB while each node ran.
    """
    name, *settings = engine.split()
    arguments = ["run", "--config", "configs/demo.yaml", "--data", str(data), "--output", str(output)]
    options = as_arguments([f"beam.engine={name}", *settings, *SETTINGS])
    # To a file: a pipe that nobody reads while memory is sampled would fill.
    printed = output.with_suffix(".txt")
    with printed.open("w") as lines:
        driver = psutil.Popen(
            [sys.executable, "pipeline_runner.py", *arguments, *options], cwd=PROJECT, stdout=lines
        )
        peaks: dict[str, int] = {}
        while driver.poll() is None:
            begun = re.findall(r"^(\w+) +runs: ", printed.read_text(), re.MULTILINE)
            if begun:
                resident = round(driver.memory_info().rss / 10**6)
                peaks[begun[-1]] = max(peaks.get(begun[-1], 0), resident)
            try:
                driver.wait(SECONDS_BETWEEN_SAMPLES)
            except psutil.TimeoutExpired:
                continue
    if driver.returncode not in (0, 3):
        last = "".join(printed.read_text().splitlines(keepends=True)[-LAST_LINES:])
        sys.exit(f"error: the run on {engine} ended with status {driver.returncode}:\n{last}")
    return peaks


def raw_examples(output: Path) -> list[str]:
    """Digest of each raw example, in the order in which they are written."""
    return [
        hashlib.sha256(record).hexdigest() for record in _records(output, "SegmentationExampleGen/examples")
    ]


def transformed_examples(output: Path) -> list[str]:
    """Digest of each parsed example, sorted."""
    import tensorflow as tf

    found = []
    for record in _records(output, "Transform/transformed_examples"):
        features = tf.train.Example.FromString(record).features.feature
        values = sorted((name, feature.SerializeToString()) for name, feature in features.items())
        found.append(hashlib.sha256(repr(values).encode()).hexdigest())
    return sorted(found)


def evaluated_photos(output: Path) -> list[str]:
    """The rows of the table of evaluated photos, sorted by name."""
    import pyarrow.parquet as pq

    (file,) = output.glob("pipeline_root/Evaluator/evaluation/*/photos.parquet")
    return [json.dumps(row, default=str) for row in pq.read_table(file).to_pylist()]


def _records(output: Path, node: str) -> list[bytes]:
    import tensorflow as tf

    files = sorted(map(str, output.glob(f"pipeline_root/{node}/*/Split-*/*.gz")))
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


COMPARED = (raw_examples, transformed_examples, evaluated_photos)


def main() -> None:
    """Measures each engine with each number of pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, nargs="+", default=[120])
    parser.add_argument("--engine", action="append", dest="engines", help="May be given several times.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for pairs in arguments.pairs:
            data = Path(scratch, f"pairs_{pairs}")
            drawing = ["sample-data", "--output", str(data), "--pairs", str(pairs)]
            subprocess.run(
                [sys.executable, "pipeline_runner.py", *drawing], cwd=PROJECT, check=True, stdout=sys.stderr
            )
            expected: dict[str, list[str]] = {}
            for number, engine in enumerate(arguments.engines or ENGINES):
                output = Path(scratch, f"output_{pairs}_{number}")
                peaks = run(data, output, engine)
                seconds = json.loads((find_run(output).path / "metrics.json").read_text())["seconds"]
                for node in BEAM_NODES:
                    measured = {"seconds": seconds[node], "driver_peak_mb": peaks.get(node)}
                    print(
                        json.dumps({"pairs": pairs, "engine": engine, "node": node, **measured}), flush=True
                    )
                written = {look.__name__: look(output) for look in COMPARED}
                expected = expected or written
                equal = {name: found == expected[name] for name, found in written.items()}
                counts = {name: len(found) for name, found in written.items()}
                print(
                    json.dumps({"pairs": pairs, "engine": engine, "equal": equal, "records": counts}),
                    flush=True,
                )


if __name__ == "__main__":
    main()
