"""The TensorFlow segmentation tutorial's own recipe, outside the DAG, evaluated as the pipeline evaluates.

Its recipe: MobileNetV2 frozen, fed with [0, 1] although its weights want [-1, 1], masks resized bilinearly,
horizontal flips, batches of 64, Adam at 1e-3, cross entropy. Same photos, splits and epochs as the pipeline's
run; the ground truth for the evaluation is resized by nearest neighbor.

    python -m benchmarks.tutorial --data "$PETSEG_DATA" \
        --weights "$PETSEG_WEIGHTS/mobilenet_v2_imagenet_notop.h5" --epochs 20

About 20 minutes on 2 free cores.
"""

import argparse
import json
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pets import PETS
from benchmarks.plain_pairs import Split, evaluate, read_split
from trainer.models import build_model
from trainer.models.settings import ModelSettings
from trainer.settings import TrainerSettings, TrainingSettings

SIZE = 128
BATCH = 64


def tutorial_model(weights: str, seed: int) -> keras.Model:
    """The tutorial's network; the pipeline's own rescaling to [-1, 1] is undone, as the tutorial has none."""
    settings = TrainingSettings(
        classes=PETS,
        model=ModelSettings(encoder_weights=weights, freeze_encoder=True, image_size=SIZE),
        trainer=TrainerSettings(seed=seed),
    )
    photos = keras.Input((SIZE, SIZE, 3))
    # x in [0, 255] becomes 127.5 x / 255 + 127.5, which the model's rescaling turns into x / 255.
    rescaled = keras.layers.Rescaling(0.5, offset=127.5)(photos)
    return keras.Model(photos, build_model(settings)(rescaled))


def tutorial_batches(split: Split, seed: int) -> tf.data.Dataset:
    """Flipped, shuffled batches with masks resized bilinearly and cut to integers."""
    masks = np.stack(
        [tf.image.resize(mask[..., None], [SIZE, SIZE]).numpy().astype(np.uint8) for mask in split.masks]
    )
    pairs = tf.data.Dataset.from_tensor_slices((split.images, masks)).shuffle(len(masks), seed=seed)

    def flip(images: tf.Tensor, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mirrored = tf.random.uniform([tf.shape(images)[0], 1, 1, 1]) < 0.5
        images = tf.where(mirrored, tf.reverse(images, [2]), images)
        return tf.cast(images, tf.float32), tf.where(mirrored, tf.reverse(masks, [2]), masks)

    return pairs.batch(BATCH, drop_remainder=True).map(flip).prefetch(2)


def main() -> None:
    """Trains, evaluates on `test` and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)

    began = time.monotonic()
    model = tutorial_model(arguments.weights, arguments.seed)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    training = read_split(arguments.data, "train", SIZE)
    model.fit(tutorial_batches(training, arguments.seed), epochs=arguments.epochs, verbose=2)
    seconds = time.monotonic() - began
    metrics = evaluate(model, read_split(arguments.data, "test", SIZE))
    print(
        json.dumps({**metrics, "epochs": arguments.epochs, "seed": arguments.seed, "seconds": round(seconds)})
    )


if __name__ == "__main__":
    main()
