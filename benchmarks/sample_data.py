"""Does shape decide in the generated sample? What colour alone and what a small U-Net can do.

    python -m benchmarks.sample_data

Draws 200 pairs and uses their official split: 100 trainval, 100 test. Prints the mean IoU of the three
classes on test for a classifier that sees one pixel's RGB at a time (expected below 0.45), and for a
U-Net from random weights after two minutes on two cores (expected above 0.70). Takes 3 minutes.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.resized_pairs import Pairs, read_resized_pairs
from petseg.metrics.iou import iou_per_class
from pipeline.sample_data import write_sample

CLASSES = 3
CORES = 2
COLOUR_PIXELS = 50_000
BATCH_SIZE = 8
LEARNING_RATE = 2e-3
WARMUP_STEPS = 20


def iou(labels: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """IoU of each class, float64 [3], over all pixels together."""
    pairs = CLASSES * labels.astype(int).ravel() + prediction.astype(int).ravel()
    return iou_per_class(np.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES))


def colour_alone(train: Pairs, test: Pairs, seed: int) -> np.ndarray:
    """IoU on test of gradient boosting on single pixels, the better of two class weightings."""
    rng = np.random.default_rng(seed)
    (pixels, labels), (test_pixels, test_labels) = (draw_pixels(pairs, rng) for pairs in (train, test))
    results = []
    for class_weight in (None, "balanced"):
        model = HistGradientBoostingClassifier(class_weight=class_weight, max_iter=50, random_state=seed)
        results.append(iou(test_labels, model.fit(pixels, labels).predict(test_pixels)))
    return max(results, key=np.mean)


def draw_pixels(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """RGB [n, 3] and class ids [n] of pixels from all photos."""
    chosen = rng.choice(pairs[1].size, COLOUR_PIXELS, replace=False)
    return pairs[0].reshape(-1, 3)[chosen], pairs[1].ravel()[chosen]


def build_network(size: int):
    """The project's U-Net decoder on a plain encoder that is quick to train from nothing."""
    import keras
    from keras import layers

    from trainer.models.unet import UNetSettings, build_unet

    def convolve(x, filters: int, strides: int = 1):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        # A short training needs running statistics that follow quickly.
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    photos = keras.Input((size, size, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(photos)
    features = []
    for filters in (32, 64, 96, 128, 160):
        x = convolve(convolve(x, filters, strides=2), filters)
        features.append(x)
    settings = UNetSettings(image_size=size, decoder_filters=(128, 96, 64, 48))
    return keras.Model(photos, build_unet(features, CLASSES, settings))


def augment(photo: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pairs:
    """A random crop, mirrored half of the time, a little lighter or darker."""
    size = len(mask)
    side = int(size * rng.uniform(0.7, 1.0))
    top, left = rng.integers(0, size - side + 1, 2)
    rows = np.arange(size) * side // size
    columns = rows[::-1] if rng.random() < 0.5 else rows
    window = np.ix_(top + rows, left + columns)
    lit = photo[window].astype(np.float32) * rng.uniform(0.8, 1.2) + rng.uniform(-20, 20)
    return np.clip(lit, 0, 255), mask[window]


def train_network(train: Pairs, seconds: float, seed: int):
    """Trains from random weights for `seconds`, building and tracing included; returns model and steps."""
    start = time.monotonic()
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(CORES)
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build_network(train[1].shape[1])
    optimizer = keras.optimizers.AdamW(LEARNING_RATE, weight_decay=1e-4)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    step, order = 0, np.array([], int)
    while (spent := (time.monotonic() - start) / seconds) < 1:
        if len(order) < BATCH_SIZE:
            order = np.concatenate([order, rng.permutation(len(train[0]))])
        chosen, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
        batch = [augment(train[0][index], train[1][index], rng) for index in chosen]
        step += 1
        warmup = min(1.0, step / WARMUP_STEPS)
        optimizer.learning_rate = LEARNING_RATE * warmup * 0.5 * (1 + np.cos(np.pi * spent))
        model.train_on_batch(np.stack([p for p, _ in batch]), np.stack([m for _, m in batch]))
    return model, step


def report(what: str, classes: np.ndarray, wall: float, cpu: float, more: str = "") -> None:
    named = ", ".join(
        f"{name} {value:.3f}" for name, value in zip(("pet", "background", "border"), classes, strict=True)
    )
    print(f"{what}: mean IoU {classes.mean():.3f} ({named}); {wall:.0f} s, {cpu:.0f} CPU s{more}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=96, help="side of the network's input in pixels")
    parser.add_argument("--seconds", type=float, default=120.0, help="time for the training")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "sample"
        wall, cpu = time.monotonic(), time.process_time()
        write_sample(folder, arguments.pairs, arguments.seed)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        print(
            f"{arguments.pairs} pairs, seed {arguments.seed}: drawn in {wall:.0f} s, {cpu:.0f} CPU s",
            flush=True,
        )
        train, test = (
            read_resized_pairs(folder, f"{part}.txt", arguments.size) for part in ("trainval", "test")
        )
    wall, cpu = time.monotonic(), time.process_time()
    colour = colour_alone(train, test, arguments.seed)
    report("RGB of one pixel", colour, time.monotonic() - wall, time.process_time() - cpu)
    wall, cpu = time.monotonic(), time.process_time()
    model, steps = train_network(train, arguments.seconds, arguments.seed)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    prediction = model.predict(test[0].astype(np.float32), batch_size=16, verbose=0).argmax(-1)
    report("U-Net from scratch", iou(test[1], prediction), wall, cpu, f", {steps} steps of {BATCH_SIZE}")


if __name__ == "__main__":
    main()
