"""What a frozen encoder costs an epoch when its features are computed once: FCN-8s on VGG19, 128 px.

    python -m benchmarks.feature_cache [--pairs 300] [--epochs 3]

Trains with fc width 512, flips only and random weights on random photos: neither changes what a step costs.
The first epoch's time contains the features of all photos and their mirror images; an epoch after it must
cost at most a fifth. Exit status 1 if it does not.
"""

import argparse
import tempfile
import time

import numpy as np

from petseg.class_table import ClassTable
from trainer.data.feature_cache import training_inputs
from trainer.data.pairs import Pairs
from trainer.models import build_model
from trainer.settings import TrainingSettings
from trainer.training.loop import train

SIZE = 128
CLASSES = ClassTable.model_validate(
    {"classes": [{"value": k, "name": f"class_{k}", "color": "#000000"} for k in range(3)]}
)
MOST = 0.2
"""Of the first epoch's time, what a later one may cost."""


def random_pairs(count: int, seed: int) -> Pairs:
    """Noise with masks of noise."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    masks = random.integers(0, len(CLASSES), (count, SIZE, SIZE), dtype=np.uint8)
    return Pairs(list(images), list(masks), [f"photo_{place:05d}" for place in range(count)])


def epoch_seconds(pairs: int, epochs: int) -> list[float]:
    """Seconds of each epoch; the features belong to the first."""
    settings = TrainingSettings.model_validate(
        {
            "classes": CLASSES,
            "model": {
                "architecture": "fcn8s",
                "encoder": "vgg19",
                "freeze_encoder": True,
                "fc_width": 512,
                "image_size": SIZE,
            },
            "trainer": {"epochs": epochs, "augmentation": {"preset": "flips"}},
        }
    )
    train_pairs, eval_pairs = random_pairs(pairs, seed=0), random_pairs(max(1, pairs // 8), seed=1)
    model = build_model(settings)
    started = time.monotonic()
    batches, evaluation, trained_part = training_inputs(model, settings, train_pairs, eval_pairs)
    features = time.monotonic() - started
    with tempfile.TemporaryDirectory() as checkpoints:
        history = train(
            model,
            batches,
            evaluation,
            settings.trainer,
            class_names=settings.classes.names,
            checkpoints=checkpoints,
            trained_part=trained_part,
        )
    first, *later = [record["seconds"] for record in history]
    return [features + first, *later]


def main() -> None:
    """Prints both times and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=300, help="pairs to train on")
    parser.add_argument("--epochs", type=int, default=3, help="at least 2")
    arguments = parser.parse_args()
    first, *later = epoch_seconds(arguments.pairs, arguments.epochs)
    after = float(np.median(later))
    print(f"first epoch, features computed: {first:.1f} s")
    print(f"an epoch after it: {after:.1f} s, {after / first:.3f} of the first (at most {MOST})")
    raise SystemExit(after > MOST * first)


if __name__ == "__main__":
    main()
