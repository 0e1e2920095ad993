"""Speed of the input and memory of Trainer, by `trainer.cache`.

    python -m benchmarks.input_caches --examples DIR/pipeline_root/Transform/transformed_examples/N

Takes the transformed examples of a run. First it reads an epoch of them without training, by cache, and
compares that with training steps of the network. Then it trains for one epoch on 1, 2 and 4 times the
examples, each in a process of its own, and prints its peak memory. With `none` it does that three times and
takes the median, because one peak differs from the next by up to 7 %. Exit status 1 if that of `none` grows
by more than 5 %.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from petseg.class_table import ClassTable
from trainer.data.examples import load_examples, training_batches
from trainer.models import build_model
from trainer.settings import TrainingSettings
from trainer.training.step import Training

CACHES = ("memory", "disk", "none")
TIMES = (1, 2, 4)
MOST_GROWTH = 1.05
REPEATS = {"memory": 1, "disk": 1, "none": 3}
STEPS = 30
CLASSES = [{"value": k, "name": f"class_{k}", "color": "#000000"} for k in range(3)]


def settings_for(size: int, cache: str, width: int = 16) -> TrainingSettings:
    """The demo's U-Net, or a narrower one."""
    filters = [width * factor for factor in (8, 6, 4, 2)]
    model = {"encoder": "plain", "encoder_width": width, "image_size": size, "decoder_filters": filters}
    trainer = {"cache": cache, "epochs": 1, "batch_size": 32, "preview_photos": 0}
    return TrainingSettings(classes=ClassTable.model_validate(CLASSES), model=model, trainer=trainer)


def photos_per_second(examples: Path, size: int, cache: str) -> float:
    """Speed of the input alone in the second epoch."""
    settings = settings_for(size, cache)
    batches = _batches(examples, settings)
    for epoch in range(2):
        started = time.monotonic()
        count = sum(len(images) for images, _ in batches.epoch(epoch, tf.distribute.InputContext()))
    return count / (time.monotonic() - started)


def trained_photos_per_second(examples: Path, size: int) -> float:
    """Speed of training steps on batches that are ready."""
    settings = settings_for(size, "memory")
    batches = _batches(examples, settings)
    training = Training(build_model(settings), settings.trainer, batches.steps)
    ready = list(batches.epoch(0, tf.distribute.InputContext()).take(2))

    def steps(count: int) -> float:
        repeated = tf.data.Dataset.from_generator(
            lambda: (ready[index % len(ready)] for index in range(count)),
            output_signature=tf.nest.map_structure(tf.TensorSpec.from_tensor, ready[0]),
        )
        started = time.monotonic()
        training.train_epoch(lambda context: repeated, lambda step, loss: None)
        return time.monotonic() - started

    steps(2)
    count = min(STEPS, batches.steps)
    return count * settings.trainer.batch_size / steps(count)


def peak_megabytes(examples: Path, size: int, cache: str, times: int) -> float:
    """Peak memory of a process that trains for one epoch."""
    from pipeline.runs.memory import PeakMemory

    with tempfile.TemporaryDirectory() as folder:
        for split in ("train", "eval"):
            copies = Path(folder, f"Split-{split}")
            copies.mkdir()
            shards = sorted((examples / f"Split-{split}").iterdir()) * times
            for number, shard in enumerate(shards):
                os.symlink(shard, copies / f"copy-{number:05d}-of-{len(shards):05d}.gz")
        command = [sys.executable, "-m", "benchmarks.input_caches", "--examples", folder, "--train", cache]
        process = subprocess.Popen([*command, "--size", str(size)])
        with PeakMemory(process.pid) as memory:
            if process.wait():
                raise SystemExit(f"the training with cache {cache} failed")
        return memory.megabytes


def train(examples: Path, size: int, cache: str) -> None:
    """Trains a narrow network for one epoch, as Trainer does up to the export."""
    from trainer.training.fit import fit

    strategy = tf.distribute.get_strategy()
    settings = settings_for(size, cache, width=4)
    patterns = [[str(examples / f"Split-{split}" / "*")] for split in ("train", "eval")]
    train_pairs, eval_pairs = load_examples(*patterns, settings, strategy)
    with tempfile.TemporaryDirectory() as checkpoints:
        fit(
            settings, train_pairs, eval_pairs, transform_output="", checkpoints=checkpoints, strategy=strategy
        )


def _batches(examples: Path, settings: TrainingSettings):
    patterns = [[str(examples / f"Split-{split}" / "*")] for split in ("train", "eval")]
    pairs, _ = load_examples(*patterns, settings, tf.distribute.get_strategy())
    return training_batches(pairs, settings.trainer, 1, settings.model.input_size)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=Path, required=True, help="transformed examples of a run")
    parser.add_argument("--size", type=int, default=128, help="their height and width in pixels")
    parser.add_argument("--train", choices=CACHES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    examples, size = arguments.examples.resolve(), arguments.size
    if arguments.train:
        train(examples, size, arguments.train)
        return
    trained = trained_photos_per_second(examples, size)
    print(f"training steps alone: {trained:.0f} photos/s")
    for cache in CACHES:
        read = photos_per_second(examples, size, cache)
        print(f"input alone, {cache}: {read:.0f} photos/s, {read / trained:.1f} times the training steps")
    grew = 1.0
    for cache in CACHES:
        peaks = [
            statistics.median(peak_megabytes(examples, size, cache, times) for _ in range(REPEATS[cache]))
            for times in TIMES
        ]
        grew = peaks[-1] / peaks[0]
        shown = ", ".join(f"{times}x {peak:.0f} MB" for times, peak in zip(TIMES, peaks, strict=True))
        print(f"peak memory, {cache}: {shown}; {grew:.2f} times as much")
    raise SystemExit(grew > MOST_GROWTH)


if __name__ == "__main__":
    main()
