"""What the pipeline costs beside a bare script that decodes, trains and predicts the same.

    python -m benchmarks.pipeline_overhead --config configs/unet_mobilenetv2_128.yaml --data "$PETSEG_DATA" \
        --set trainer.epochs=5

Runs both in turn on the same cores and prints wall seconds, their ratio and both peaks of memory. The
pipeline does more than the script: statistics, validation, the serving check, the push and the report.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.runs.memory import PeakMemory

PROJECT = Path(__file__).resolve().parents[1]


def measure(arguments: list[str]) -> dict[str, float]:
    """Runs a Python command; returns its wall seconds and the peak memory of its processes, in MB."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=PROJECT, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    )
    with PeakMemory(process.pid) as memory:
        process.wait()
    if process.returncode:
        sys.exit(f"error: {' '.join(arguments)} ended with status {process.returncode}")
    return {"seconds": round(time.monotonic() - began, 1), "peak_memory_mb": round(memory.megabytes)}


def main() -> None:
    """Measures the script, then the pipeline, and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    common = ["--config", arguments.config, "--data", arguments.data]
    common += [part for override in arguments.overrides for part in ("--set", override)]
    script = measure(["-m", "benchmarks.bare_script", *common])
    with tempfile.TemporaryDirectory() as output:
        dag = measure(["pipeline_runner.py", "run", *common, "--output", output])
    ratio = round(dag["seconds"] / script["seconds"], 3)
    print(json.dumps({"bare_script": script, "pipeline": dag, "ratio": ratio}))


if __name__ == "__main__":
    main()
