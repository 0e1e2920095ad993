"""The same work as a pipeline run, without TFX: decode, train, predict at both sizes.

    python -m benchmarks.bare_script --config configs/unet_mobilenetv2_128.yaml --data "$PETSEG_DATA"

It uses the pipeline's own model, input and loop, so that what differs is the pipeline alone.
"""

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path

import tensorflow as tf

from benchmarks.plain_pairs import Split, evaluate, read_split
from pipeline.settings import load_settings
from trainer.data.geometry.resizing import resize_mask
from trainer.data.input import TrainingBatches, evaluation_batches
from trainer.data.pairs import Pairs
from trainer.models import build_model
from trainer.training.loop import train


def to_pairs(split: Split) -> Pairs:
    """The split at model resolution."""
    size = split.images.shape[1:3]
    masks = [resize_mask(tf.constant(mask), size).numpy() for mask in split.masks]
    return Pairs(images=list(split.images), masks=masks, names=split.names)


def main() -> None:
    """Trains, evaluates and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    settings = load_settings(arguments.config, arguments.overrides)
    training, size = settings.training, settings.model.input_size
    model = build_model(training)
    with tempfile.TemporaryDirectory() as checkpoints:
        train(
            model,
            TrainingBatches(
                to_pairs(read_split(arguments.data, "train", size)),
                training.trainer.batch_size,
                training.trainer.augmentation,
                training.trainer.seed,
            ),
            partial(
                evaluation_batches,
                to_pairs(read_split(arguments.data, "eval", size)),
                training.trainer.batch_size,
            ),
            training.trainer,
            class_names=training.classes.names,
            checkpoints=checkpoints,
        )
    print(json.dumps(evaluate(model, read_split(arguments.data, "test", size))))


if __name__ == "__main__":
    main()
