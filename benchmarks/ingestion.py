"""How fast SegmentationExampleGen reads pairs, beside a bare tf.data loop that decodes photos and masks.

    python -m benchmarks.ingestion --data "$PETSEG_DATA"

Runs the loop and the node in turn, each in a process of its own, and prints a JSON object for each and the
ratio of their rates. The loop only reads and decodes; the node also checks every pair, hashes and compares
the photos, counts classes, and writes the raw examples. Each process first takes a few pairs, so that imports
and first calls are not in the rate; what they take is `start_up`. With in-memory Beam the node works on the
threads of one process. `--workers 2` also measures `multi_processing`, which starts its workers twice a run.
`cpu_seconds` are those of the process without Beam's workers. The load average before each measurement tells
whether the cores were free. Takes a minute on 2 free cores.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.pets import PETS_DATA
from components.example_gen.settings import DataSettings
from pipeline.beam_settings import BeamSettings

FIRST = 60
"""Pairs of the first, small run."""

LISTS = ("trainval.txt", "test.txt")


def link_pairs(data: str, folder: Path, pairs: int | None) -> str:
    """Makes a data set of links: the same photos and masks with shorter lists, a part from each."""
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").symlink_to(Path(data, "images").resolve())
    (folder / "annotations/trimaps").symlink_to(Path(data, "annotations/trimaps").resolve())
    lists = {name: Path(data, "annotations", name).read_text().splitlines(keepends=True) for name in LISTS}
    total = sum(map(len, lists.values()))
    for name, lines in lists.items():
        count = len(lines) if pairs is None else round(pairs * len(lines) / total)
        chosen = [lines[number * len(lines) // count] for number in range(count)]
        (folder / "annotations" / name).write_text("".join(chosen))
    return str(folder)


def loop(data: str) -> None:
    """Reads and decodes every photo and mask, and nothing else."""
    import tensorflow as tf

    from petseg.tf_data import PARALLEL, without_autotuning

    lines = [line for name in LISTS for line in Path(data, "annotations", name).read_text().splitlines()]
    names = [line.split()[0] for line in lines]
    photos = [f"{data}/images/{name}.jpg" for name in names]
    masks = [f"{data}/annotations/trimaps/{name}.png" for name in names]

    def decode(photo: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(tf.io.read_file(photo), channels=3, expand_animations=False)
        return image, tf.io.decode_png(tf.io.read_file(mask), channels=1)

    pairs = tf.data.Dataset.from_tensor_slices((photos, masks)).map(decode, PARALLEL).prefetch(8)
    for _ in without_autotuning(pairs):
        pass


def ingest(settings: DataSettings, beam: BeamSettings) -> None:
    """Runs the node's executor as a run does; what it writes is removed."""
    from tfx.types import standard_artifacts

    from components.artifacts import DataReport
    from components.example_gen.executor import Executor

    with tempfile.TemporaryDirectory() as output:
        outputs = {"examples": standard_artifacts.Examples(), "data_report": DataReport()}
        for name, artifact in outputs.items():
            artifact.uri = os.path.join(output, name)
            os.mkdir(artifact.uri)
        # Without all of a run's arguments TFX packs itself into an archive first.
        context = Executor.Context(beam_pipeline_args=beam.pipeline_args, tmp_dir=output, unique_id="1")
        properties = {"data": settings.model_dump_json(by_alias=True), "fingerprint": "", "code": ""}
        Executor(context).Do({}, {name: [artifact] for name, artifact in outputs.items()}, properties)


def run_task(task: str, data: str, first: str, workers: int) -> dict[str, float]:
    """Seconds of the small run, imports included, and of the whole one."""

    def work(folder: str) -> None:
        if task == "loop":
            loop(folder)
        else:
            beam = BeamSettings.model_validate({"engine": task, "workers": max(1, workers)})
            ingest(PETS_DATA.model_copy(update={"path": folder}), beam)

    began = time.monotonic()
    work(first)
    started, used = time.monotonic(), time.process_time()
    work(data)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - used
    return {"start_up": started - began, "seconds": seconds, "cpu_seconds": cpu_seconds}


def measure(task: str, data: str, first: str, workers: int) -> dict[str, float]:
    """Runs a task in a process of its own."""
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", "benchmarks.ingestion", "--task", task, "--data", data]
    output = subprocess.run(
        [*command, "--first", first, "--workers", str(workers)],
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    return json.loads(output.splitlines()[-1]) | {"load": load}


def main() -> None:
    """Measures each task several times, in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="The pets, in their official layout.")
    parser.add_argument("--pairs", type=int, help="Number of pairs; by default all.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="Of multi_processing; 0: not measured.")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--first", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        print(json.dumps(run_task(arguments.task, arguments.data, arguments.first, arguments.workers)))
        return
    tasks = ["loop", "in_memory", *(["multi_processing"] if arguments.workers else [])]
    with tempfile.TemporaryDirectory() as scratch:
        first = link_pairs(arguments.data, Path(scratch, "first"), FIRST)
        data = link_pairs(arguments.data, Path(scratch, "pairs"), arguments.pairs)
        pairs = sum(len(Path(data, "annotations", name).read_text().splitlines()) for name in LISTS)
        rates: dict[str, list[float]] = {task: [] for task in tasks}
        for _ in range(arguments.rounds):
            for task in tasks:
                found = measure(task, data, first, arguments.workers)
                rates[task].append(pairs / found["seconds"])
                rounded = {key: round(value, 2) for key, value in found.items()}
                print(json.dumps({"task": task, "pairs": pairs, **rounded}), flush=True)
    medians = {task: statistics.median(values) for task, values in rates.items()}
    ratios = {task: round(medians[task] / medians["loop"], 3) for task in tasks[1:]}
    print(
        json.dumps(
            {"pairs_per_second": {task: round(rate) for task, rate in medians.items()}, "ratio": ratios}
        )
    )


if __name__ == "__main__":
    main()
