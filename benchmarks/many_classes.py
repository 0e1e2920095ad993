"""What a large photo costs with few and with many classes: seconds and memory of the SavedModel's signatures.

    python -m benchmarks.many_classes --height 3000 --width 4000

Prints, for 3 and for 150 classes, how long `serving_default` and `evaluate` take for a photo, or with
`--photos` for several in one call, and how much memory that adds to the peak of a process that has
predicted a small one. The network is small and from random weights: this measures the way from its
probabilities to the mask. Each measurement is a process of its own.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
from PIL import Image

CLASSES = (3, 150)
SIGNATURES = ("serving_default", "evaluate")


def measure(
    signature: str, classes: int, height: int, width: int, image_size: int = 128, photos: int = 1
) -> dict[str, float]:
    """Seconds of the second of two calls with `photos` photos, and megabytes that both add to the peak."""
    import tensorflow as tf

    from trainer.export.signatures import Predictor
    from trainer.models import build_model
    from trainer.settings import TrainingSettings

    table = [{"value": value, "name": f"class {value}"} for value in range(classes)]
    model = {
        "architecture": "unet",
        "encoder": "plain",
        "encoder_width": 4,
        "encoder_weights": None,
        "decoder_filters": [16, 8, 8, 8],
        "image_size": image_size,
    }
    settings = TrainingSettings(classes=table, model=model)
    predictor = Predictor(build_model(settings), settings)
    predict = tf.function(getattr(predictor, signature), input_signature=[tf.TensorSpec([None], tf.string)])

    def request(height: int, width: int, photos: int) -> "tf.Tensor":
        rng = np.random.default_rng(0)
        photo = _encoded(rng.integers(0, 256, (4, 4, 3)), height, width, "JPEG", Image.Resampling.BICUBIC)
        mask = _encoded(rng.integers(0, classes, (8, 8)), height, width, "PNG", Image.Resampling.NEAREST)
        return tf.constant([photo if signature == "serving_default" else _example(photo, mask)] * photos)

    small, large = request(64, 96, 1), request(height, width, photos)
    predict(small)
    before, done = _resident_bytes(), threading.Event()
    peaks = [before]

    def watch() -> None:
        while not done.is_set():
            peaks.append(_resident_bytes())
            time.sleep(0.001)

    thread = threading.Thread(target=watch)
    thread.start()
    predict(large)
    began = time.perf_counter()
    predict(large)
    seconds = time.perf_counter() - began
    done.set()
    thread.join()
    return {"seconds": seconds, "megabytes": (max(peaks) - before) / 2**20}


def _encoded(coarse: np.ndarray, height: int, width: int, kind: str, method: Image.Resampling) -> bytes:
    file = io.BytesIO()
    Image.fromarray(coarse.astype(np.uint8)).resize((width, height), method).save(file, kind)
    return file.getvalue()


def _example(photo: bytes, mask: bytes) -> bytes:
    import tensorflow as tf

    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for name, value in {"image/encoded": photo, "mask/encoded": mask}.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure_apart(*arguments: str | int) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.many_classes", "--measure", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Prints the table, or one measurement as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=3000, help="of the photo in pixels")
    parser.add_argument("--width", type=int, default=4000, help="of the photo in pixels")
    parser.add_argument("--image-size", type=int, default=128, help="of the network in pixels")
    parser.add_argument("--photos", type=int, default=1, help="in one call")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        signature, *numbers = arguments.measure
        print(json.dumps(measure(signature, *map(int, numbers))))
        return
    request = arguments.height, arguments.width, arguments.image_size, arguments.photos
    print("| classes | signature | seconds | added to the peak |\n|---|---|---|---|")
    for classes in CLASSES:
        for signature in SIGNATURES:
            measured = measure_apart(signature, classes, *request)
            cells = f"{measured['seconds']:.2f} | {measured['megabytes']:,.0f} MB"
            print(f"| {classes} | `{signature}` | {cells} |", flush=True)


if __name__ == "__main__":
    main()
