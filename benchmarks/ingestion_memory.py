"""Memory of SegmentationExampleGen as the data grows: it must stay flat.

    python -m benchmarks.ingestion_memory

Draws pairs of 32 x 32 pixels, each photo another one and the masks links to a few files, and ingests 12,500,
25,000, 50,000 and 100,000 of them with in-memory Beam, each number in a process of its own, which does the
work of the driver and of the worker. Prints the peak memory of each process in MB, seconds and pairs a
second, and at the end the bytes that a pair adds. Needs 2 GB of disk, and takes ten minutes on 2 free cores.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.ingestion import ingest
from petseg.class_table import ClassTable

PAIRS = (12_500, 25_000, 50_000, 100_000)
SIDE = 32
LINKS = 10_000
"""Masks that are links to one file; file systems allow some 65,000."""

CLASSES = ClassTable.model_validate(["outside", "inside"])


def draw(folder: Path, start: int, stop: int) -> None:
    """Writes the pairs with these numbers in the folder layout."""
    import numpy as np
    from PIL import Image

    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "masks").mkdir(exist_ok=True)
    mask = Image.fromarray(np.tile(np.arange(SIDE, dtype=np.uint8) * 2 // SIDE, (SIDE, 1)))
    for first in range(start // LINKS, stop // LINKS + 1):
        mask.save(folder / f"mask_{first}.png")

    def write(number: int) -> None:
        clouds = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        content = io.BytesIO()
        Image.fromarray(clouds).resize((SIDE, SIDE)).save(content, "JPEG")
        (folder / f"images/{number:07d}.jpg").write_bytes(content.getvalue())
        os.link(folder / f"mask_{number // LINKS}.png", folder / f"masks/{number:07d}.png")

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(start, stop)))


def measure(folder: Path) -> dict[str, float]:
    """Ingests the pairs in this process; returns seconds and the peak memory in MB."""
    from components.example_gen.settings import DataSettings
    from pipeline.beam_settings import BeamSettings
    from pipeline.runs.memory import PeakMemory

    data = DataSettings(format="folder", path=str(folder), classes=CLASSES)
    began = time.monotonic()
    with PeakMemory() as memory:
        ingest(data, BeamSettings())
    return {"seconds": round(time.monotonic() - began, 1), "peak_memory_mb": round(memory.megabytes)}


def main() -> None:
    """Measures each number of pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, nargs="+", default=PAIRS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        print(json.dumps(measure(arguments.folder)))
        return
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder, drawn = Path(scratch, "pairs"), 0
        for pairs in sorted(arguments.pairs):
            draw(folder, drawn, pairs)
            drawn = pairs
            command = [sys.executable, "-m", "benchmarks.ingestion_memory", "--folder", str(folder)]
            done = subprocess.run(
                command,
                cwd=Path(__file__).resolve().parents[1],
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            found[pairs] = json.loads(done.stdout.splitlines()[-1])
            rate = round(pairs / found[pairs]["seconds"])
            print(json.dumps({"pairs": pairs, **found[pairs], "pairs_per_second": rate}), flush=True)
    fewest, most = min(found), max(found)
    if most > fewest:
        more = found[most]["peak_memory_mb"] - found[fewest]["peak_memory_mb"]
        print(json.dumps({"bytes_per_pair": round(more * 10**6 / (most - fewest))}))


if __name__ == "__main__":
    main()
