"""What passes between Beam's workers in each data step, and what grows with the data.

    python -m benchmarks.beam_growth
    python -m benchmarks.beam_growth --pairs 120 240 480

Draws the demo's pairs, runs the whole pipeline in memory with one epoch of training, and prints a JSON object
for each Beam node and number of pairs. `grouped_bytes`: encoded elements that a step sends to be grouped by
key, which on a cluster pass from worker to worker. `largest_element`: bytes of the largest of them.
`side_input_bytes`: what every worker would get whole. `written_bytes`: the node's files. Beam measures a
sample of the elements, so that bytes vary by a few percent. Takes a minute for 120 pairs on 2 free cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.pipeline_runs import PROJECT, as_arguments

BEAM_NODES = ("SegmentationExampleGen", "StatisticsGen", "Transform", "Evaluator")
SETTINGS = ["trainer.epochs=1", "evaluation.floor=0"]
RECORD = "BEAM_GROWTH_FILE"
"""Environment variable with the file to which a run writes what it saw."""


def record_pipelines(file: Path) -> None:
    """Writes a line for each pipeline of this process: what it groups, and what it gives to every worker."""
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from pipeline.runners.local.launcher import NodeLauncher

    run_stages, run_executor = FnApiRunner.run_stages, NodeLauncher._run_executor
    current: list[str] = []

    def run_node(launcher: Any, execution_info: Any) -> Any:
        current[:] = [launcher._pipeline_node.node_info.id]
        return run_executor(launcher, execution_info)

    def run_and_record(runner: Any, context: Any, stages: list[Any]) -> Any:
        grouped = set(_grouped(stages))
        whole = {collection for stage in stages for collection in stage.side_inputs()}
        result = run_stages(runner, context, stages)
        sizes = _sizes(result.monitoring_infos())
        line = {
            "node": current[0],
            "grouped_bytes": sum(round(sizes[each][0]) for each in grouped),
            "largest_element": max((sizes[each][1] for each in grouped), default=0),
            "side_input_bytes": sum(round(sizes[each][0]) for each in whole),
        }
        with file.open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        return result

    NodeLauncher._run_executor = run_node
    FnApiRunner.run_stages = run_and_record


def _grouped(stages: list[Any]) -> Iterator[str]:
    """Collections that are written to be grouped by key, after Beam has combined what it can before."""
    from apache_beam.runners.portability.fn_api_runner.translations import split_buffer_id
    from apache_beam.runners.worker.bundle_processor import DATA_OUTPUT_URN

    for stage in stages:
        for transform in stage.transforms:
            payload = transform.spec.payload
            is_buffer = transform.spec.urn == DATA_OUTPUT_URN and b":" in payload
            if is_buffer and split_buffer_id(payload)[0] == "group":
                yield from transform.inputs.values()


def _sizes(infos: Any) -> dict[str, tuple[float, int]]:
    """Bytes of all elements, and of the largest that was measured, by collection."""
    from apache_beam.metrics import monitoring_infos

    counts, sampled, measured = Counter[str](), Counter[str](), Counter[str]()
    largest: dict[str, int] = defaultdict(int)
    for info in infos:
        collection = info.labels.get("PCOLLECTION", "")
        if info.urn == monitoring_infos.ELEMENT_COUNT_URN:
            counts[collection] += monitoring_infos.extract_counter_value(info)
        elif info.urn == monitoring_infos.SAMPLED_BYTE_SIZE_URN:
            number, total, _, high = monitoring_infos.extract_distribution(info)
            sampled[collection] += number
            measured[collection] += total
            largest[collection] = max(largest[collection], high)
    found: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for collection, number in sampled.items():
        if number:
            found[collection] = (measured[collection] / number * counts[collection], largest[collection])
    return found


def measure(data: Path, output: Path) -> dict[str, Counter[str]]:
    """Runs the pipeline.

    Returns:
        What was measured, by node.
    """
    record = output.with_suffix(".jsonl")
    arguments = ["run", "--config", "configs/demo.yaml", "--data", str(data), "--output", str(output)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.beam_growth", *arguments, *as_arguments(SETTINGS)],
        cwd=PROJECT, env=os.environ | {RECORD: str(record)}, stdout=sys.stderr, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 3):
        sys.exit(f"error: the run ended with status {done.returncode}")
    found = {
        node: dict.fromkeys(("grouped_bytes", "largest_element", "side_input_bytes"), 0)
        for node in BEAM_NODES
    }
    for text in record.read_text().splitlines():
        line = json.loads(text)
        node = found[line.pop("node")]
        for key, value in line.items():
            node[key] = max(node[key], value) if key == "largest_element" else node[key] + value
    for node, values in found.items():
        files = (file for file in (output / "pipeline_root" / node).rglob("*") if file.is_file())
        values["written_bytes"] = sum(file.stat().st_size for file in files)
    return found


def main() -> None:
    """Measures each number of pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, nargs="+", default=[120, 240, 480])
    numbers = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as scratch:
        for pairs in numbers:
            data = Path(scratch, f"pairs_{pairs}")
            drawing = ["sample-data", "--output", str(data), "--pairs", str(pairs)]
            subprocess.run(
                [sys.executable, "pipeline_runner.py", *drawing], cwd=PROJECT, check=True, stdout=sys.stderr
            )
            for node, values in measure(data, Path(scratch, f"output_{pairs}")).items():
                print(json.dumps({"pairs": pairs, "node": node, **values}), flush=True)


if __name__ == "__main__":
    if RECORD in os.environ:
        import pipeline_runner

        record_pipelines(Path(os.environ[RECORD]))
        pipeline_runner.main()
    main()
