"""How fast each network trains on whatever device is there: images a second, share of its peak, memory.

    python -m benchmarks.gpu_throughput [--architecture NAME]... [--size 128] [--batch 64]
        [--precision float32|float16|bfloat16] [--peak-tflops 989] [--data DIR] [--seconds 10]

The networks are plain Keras 3, so `KERAS_BACKEND=jax` measures them where there is JAX and no TensorFlow:
needed are then only keras, jax, h5py, pillow and pydantic. Without --data the photos are noise; with it they
are the first trainval pairs of a folder in the official layout, decoded and resized once, as the trainer's
cache keeps them. A step is forward, backward and AdamW on a batch that comes from host memory; compilation
and the first steps are not timed. A training step is counted as three forward passes, two operations a
multiply-add. Peak and memory are left empty where the backend tells none. mask_rcnn learns from its drawn
classes alone here: the losses of its boxes are left out.
"""

import argparse
import itertools
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np

from benchmarks.model_table import build, encoder_for, multiply_adds
from benchmarks.resized_pairs import Pairs, read_resized_pairs
from trainer.models import REGISTRY

CLASSES = 3
PAIRS = 256
WARM_UP_STEPS = 3


def make_pairs(data: Path | None, size: int) -> Pairs:
    """The first pairs of a data set; noise where there is none."""
    if data is not None:
        return read_resized_pairs(data, "trainval.txt", size, PAIRS)
    random = np.random.default_rng(0)
    photos = random.integers(0, 256, (PAIRS, size, size, 3), np.uint8)
    return photos, random.integers(0, CLASSES, (PAIRS, size, size), np.uint8)


def batches(pairs: Pairs, count: int) -> Iterator[Pairs]:
    """Batches without end, as float32 photos and int32 masks."""
    photos, masks = pairs
    for begin in itertools.count(0, count):
        indices = np.arange(begin, begin + count) % len(photos)
        yield photos[indices].astype(np.float32), masks[indices].astype(np.int32)


def measure(model: keras.Model, pairs: Pairs, batch: int, seconds: float) -> float:
    """Images a second in training."""
    model.compile(keras.optimizers.AdamW(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    feed = batches(pairs, batch)
    for _ in range(WARM_UP_STEPS):
        model.train_on_batch(*next(feed))
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        model.train_on_batch(*next(feed))  # It reads the loss, so it waits for the device.
        steps += 1
    return steps * batch / (time.perf_counter() - began)


def device() -> SimpleNamespace:
    """The device's `name`, and `peak_memory`, a function that gives MB so far or None."""
    if keras.backend.backend() == "jax":
        import jax

        first = jax.local_devices()[0]
        return SimpleNamespace(
            name=first.device_kind,
            peak_memory=lambda: (first.memory_stats() or {}).get("peak_bytes_in_use"),
        )
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return SimpleNamespace(name="CPU", peak_memory=lambda: None)
    return SimpleNamespace(
        name=tf.config.experimental.get_device_details(gpus[0])["device_name"],
        peak_memory=lambda: tf.config.experimental.get_memory_info("GPU:0")["peak"],
    )


def row(name: str, arguments: argparse.Namespace) -> str:
    """One line of the table; in a process of its own, whose peak of memory is this network's."""
    on, pairs = device(), make_pairs(arguments.data, arguments.size)
    encoder = encoder_for(name, arguments.encoder)
    model = build(name, encoder, arguments.size, CLASSES, arguments.precision)
    speed = measure(model, pairs, arguments.batch, arguments.seconds)
    teraflops = 6 * multiply_adds(model) * speed / 1e12
    share = f"{teraflops / arguments.peak_tflops:.1%}" if arguments.peak_tflops else ""
    peak = on.peak_memory()
    memory = f"{peak / 2**20:,.0f} MB" if peak else ""
    return f"| {name} | {encoder} | {on.name} | {speed:,.0f} | {teraflops:.2f} | {share} | {memory} |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", action="append", choices=list(REGISTRY))
    parser.add_argument("--encoder", default="mobilenet_v2")
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision", choices=["float32", "float16", "bfloat16"], default="float32")
    parser.add_argument("--peak-tflops", type=float, help="the device's, in this precision")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seconds", type=float, default=10, help="timed seconds for each network")
    arguments = parser.parse_args()
    print(
        f"{keras.backend.backend()}, {arguments.precision}, {arguments.size} px, batch {arguments.batch}, "
        f"{'real photos' if arguments.data else 'noise'}\n"
    )
    print("| architecture | encoder | device | images/s | TFLOP/s | share of the peak | peak memory |")
    print("|---" * 7 + "|")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        for name in arguments.architecture or REGISTRY:
            print(processes.apply(row, (name, arguments)), flush=True)


if __name__ == "__main__":
    main()
