"""Photos a second of `predict`, beside a bare loop over the signature, and its memory.

python -m benchmarks.prediction --model runs/demo/serving_model --photos 1500 --size 256

Draws photos, and predicts them in processes of their own: by a loop that reads a file, calls
`serving_default` and drops the result; by `predict` without and with overlays; and by `predict` on a quarter
of the photos. Prints photos a second after the first one, the time of the whole process, and the peak of its
memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.prediction.model import model_folder

BARE_LOOP = """
import json, resource, sys, time
from pathlib import Path
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
serve = model.signatures["serving_default"]
files = sorted(Path(sys.argv[2]).iterdir())
serve(image_bytes=tf.constant([files[0].read_bytes()]))
started = time.perf_counter()
for file in files:
    serve(image_bytes=tf.constant([file.read_bytes()]))["mask_png_bytes"].numpy()
seconds = time.perf_counter() - started
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

PREDICT = """
import json, resource, sys, time
from pathlib import Path
from pipeline.prediction import predict, segmenting

# The start of the process ends with the first result.
started = []
segment_all = segmenting.segment_all
def timed(photos, segmenter):
    for result in segment_all(photos, segmenter):
        started or started.append(time.perf_counter())
        yield result
segmenting.segment_all = timed
outputs = predict.Outputs(overlays=sys.argv[4] == "overlays")
predict.predict(sys.argv[1], [sys.argv[2]], Path(sys.argv[3]), outputs)
seconds = time.perf_counter() - started[0]
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def draw_photos(folder: Path, number: int, size: int) -> None:
    """Writes smooth random JPEGs."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(number):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{index:06}.jpg", quality=90)


def measure(name: str, photos: int, code: str, *arguments: object) -> None:
    """Runs a script and prints its line of the table."""
    started = time.perf_counter()
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole = time.perf_counter() - started
    seconds, memory = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"| {name} | {photos} | {photos / seconds:.0f} | {whole:.1f} s | {memory:.0f} MB |", flush=True)


def main() -> None:
    """Measures all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1500)
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    version, many, few = model_folder(arguments.model), arguments.photos, arguments.photos // 4
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        draw_photos(folder / "many", many, arguments.size)
        draw_photos(folder / "few", few, arguments.size)
        print("| | photos | photos a second | whole process | peak memory |\n|---|---:|---:|---:|---:|")
        measure("bare loop", many, BARE_LOOP, version, folder / "many")
        for overlays in ("none", "overlays"):
            measure(f"predict, {overlays}", many, PREDICT, version, folder / "many", folder / "out", overlays)
        measure("predict, none", few, PREDICT, version, folder / "few", folder / "out", "none")


if __name__ == "__main__":
    main()
