"""Every architecture trained by one recipe: metrics, predictions for the same photos, and learning curves.

    python -m benchmarks.architectures --data "$PETSEG_DATA" --weights "$PETSEG_WEIGHTS" \
        --output runs/architectures --sample runs/sample --pictures docs/images [--epochs 8] [--size 96]
        [--seed 1] [--only NAME]... [--set KEY=VALUE]...

The settings are the defaults, with the encoder MobileNetV2 and its ImageNet weights; SegNet, which needs the
pools of a VGG, takes VGG19 with the first three blocks' weights. Each goes through the pipeline into a folder
of its own, so that this goes on where it was when it is started again. Prints a Markdown table with the
metrics on `test`; writes what `benchmarks.model_pictures` draws.
"""

import argparse
from pathlib import Path

from benchmarks.model_pictures import draw, photos_to_show
from benchmarks.model_table import encoder_for
from benchmarks.pipeline_runs import as_arguments, run_pipeline
from pipeline.runs.run_folder import RunFolder
from trainer.models import REGISTRY

ENCODER = "mobilenet_v2"
WEIGHTS = {"mobilenet_v2": "mobilenet_v2_imagenet_notop.h5", "vgg19": "vgg19_imagenet_blocks1to3.h5"}


def train(architecture: str, arguments: argparse.Namespace) -> RunFolder:
    """Runs the pipeline for an architecture, unless what it would do is there."""
    encoder = encoder_for(architecture, ENCODER)
    settings = [
        f"data.path={arguments.data}",
        f"model.architecture={architecture}",
        f"model.encoder={encoder}",
        f"model.encoder_weights={arguments.weights / WEIGHTS[encoder]}",
        f"model.image_size={arguments.size}",
        f"trainer.epochs={arguments.epochs}",
        f"trainer.seed={arguments.seed}",
        # All are to be shown, the weak ones too.
        "evaluation.floor=0",
        *arguments.set,
    ]
    return run_pipeline(arguments.output / architecture, as_arguments(settings))


def row(architecture: str, run: RunFolder) -> str:
    """One line of the table."""
    model = run.metrics["model"]
    metrics = [model["mean_iou"], *model["iou"].values(), run.metrics["native"]["mean_iou"]]
    cells = [architecture, run.settings["model.encoder"], *(f"{metric:.4f}" for metric in metrics)]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Trains all in turn, prints the table as it grows, and draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def absolute(text: str) -> Path:
        return Path(text).resolve()

    parser.add_argument("--data", type=absolute, required=True)
    parser.add_argument("--weights", type=absolute, required=True, help="folder of the encoders' files")
    parser.add_argument("--output", type=absolute, required=True)
    parser.add_argument("--sample", type=absolute, required=True, help="a generated sample, to be shown")
    parser.add_argument("--pictures", type=absolute, required=True, help="folder of the pictures")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--size", type=int, default=96, help="pixels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="in every training")
    parser.add_argument("--only", action="append", choices=[*REGISTRY])
    arguments = parser.parse_args()
    # Before the hours of training, so that a missing sample is known at once.
    shown = photos_to_show(arguments.sample)
    runs: dict[str, RunFolder] = {}
    for architecture in arguments.only or REGISTRY:
        run = runs[architecture] = train(architecture, arguments)
        if len(runs) == 1:
            classes = " | ".join(run.metrics["model"]["iou"])
            print(f"| architecture | encoder | mean IoU | {classes} | at native resolution |")
            print("|---" * (4 + len(run.metrics["model"]["iou"])) + "|")
        print(row(architecture, run), flush=True)
    draw(runs, shown, arguments.pictures)


if __name__ == "__main__":
    main()
