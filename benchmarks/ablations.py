"""What each part of the recipe adds, evaluated on `eval`.

    python -m benchmarks.ablations --config configs/unet_mobilenetv2_128.yaml --data "$PETSEG_DATA" \
        --output runs/ablations [--epochs 10] [--seed 1] [--set KEY=VALUE]... [--only NAME]...

Trains the config once as it is and once for each variant, through the pipeline and into one output folder,
so that photos are read and transformed once, and what was trained already is reused when this is started
again. Nothing is pushed. Prints a Markdown table; differences below that of two seeds mean nothing.
"""

import argparse
from pathlib import Path

from benchmarks.pipeline_runs import as_arguments, run_pipeline

VARIANTS = {
    "as it is": (),
    "another seed": ("trainer.seed=2",),
    "half-size decoder": (
        "model.decoder_filters=[512, 256, 128, 64]",
        "model.decoder_convolutions=0",
    ),
    "no flip averaging": ("model.flip_tta=false",),
    "crops of model resolution": ("transform.training_scale=1",),
    "crops from 0.7": ("trainer.augmentation={crop_scale: 0.7}",),
    "flips only": ("trainer.augmentation={preset: flips}", "transform.training_scale=1"),
    "strong augmentation": ("trainer.augmentation={preset: strong}",),
    "cross entropy alone": ("trainer.dice_weight=0",),
    "Lovász instead of Dice": ("trainer.dice_weight=0", "trainer.lovasz_weight=0.5"),
    "focal loss": ("trainer.focal_gamma=2",),
    "class weights from shares": ("trainer.class_weights=shares",),
    "label smoothing 0.05": ("trainer.label_smoothing=0.05",),
    "moving average 0.99": ("trainer.ema=0.99",),
    "bfloat16": ("trainer.precision=bfloat16",),
    "encoder frozen": ("model.freeze_encoder=true",),
    "encoder rate 0.3": ("trainer.encoder_learning_rate_factor=0.3",),
    "learning rate 1e-3": ("trainer.learning_rate=0.001",),
}
"""What differs from a config; those of crops and decoder are made for the U-Net at 128 px."""


def evaluate(arguments: argparse.Namespace, overrides: tuple[str, ...]) -> dict:
    """Runs the pipeline with these settings and returns its metrics.json.

    A refused model (status 3) is evaluated all the same.
    """
    settings = ["evaluation.split=eval", f"trainer.seed={arguments.seed}"]
    settings += [f"trainer.epochs={arguments.epochs}"] if arguments.epochs else []
    settings += arguments.set
    command = ["--config", arguments.config, "--data", arguments.data, *as_arguments([*settings, *overrides])]
    return run_pipeline(arguments.output, command, statuses=(0, 3)).metrics


def row(name: str, overrides: tuple[str, ...], metrics: dict, base: dict) -> str:
    """One line of the table."""
    model, native = metrics["model"], metrics["native"]
    difference = model["mean_iou"] - base["model"]["mean_iou"]
    values = [model["mean_iou"], difference, *model["iou"].values(), native["mean_iou"]]
    shown = [f"{value:+.4f}" if column == 1 else f"{value:.4f}" for column, value in enumerate(values)]
    return f"| {name} | {' '.join(f'`{override}`' for override in overrides)} | {' | '.join(shown)} |"


def main() -> None:
    """Evaluates every variant in turn and prints the table as it grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--epochs", type=int, help="instead of the config's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="in every training")
    parser.add_argument("--only", action="append", choices=[name for name in VARIANTS if VARIANTS[name]])
    arguments = parser.parse_args()
    base = evaluate(arguments, ())
    classes = " | ".join(base["model"]["iou"])
    print(f"| variant | settings | mean IoU | difference | {classes} | at native resolution |")
    print("|---" * (5 + len(base["model"]["iou"])) + "|")
    print(row("as it is", (), base, base), flush=True)
    for name, overrides in VARIANTS.items():
        if overrides and (not arguments.only or name in arguments.only):
            print(row(name, overrides, evaluate(arguments, overrides), base), flush=True)


if __name__ == "__main__":
    main()
