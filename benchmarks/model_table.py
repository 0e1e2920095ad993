"""Parameters and multiply-adds of every architecture, as a Markdown table.

    python -m benchmarks.model_table [--encoder mobilenet_v2] [--size 128] [--classes 3]

Builds each network with its default settings and random weights, and walks its layers. Counted are the
multiply-adds of convolutions and dense layers for one photo, by their definition; BatchNorm, activations,
poolings and upsamplings cost little beside them and are left out. An architecture that cannot take the
encoder gets vgg19.
"""

import argparse
import math
from collections.abc import Iterator

import keras
from keras import layers

from petseg.class_table import ClassTable
from trainer.models import REGISTRY, build_model
from trainer.models.architecture import load_architecture
from trainer.models.encoders import STRIDES
from trainer.models.settings import ModelSettings
from trainer.settings import TrainingSettings

OTHER_ENCODER = "vgg19"


def leaves(model: keras.Model) -> Iterator[layers.Layer]:
    """The layers of a model and of the models in it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        else:
            yield layer


def multiply_adds(model: keras.Model) -> int:
    """Multiplications, each with its addition, for one photo; see the head of this file."""
    total = 0
    for layer in leaves(model):
        if not isinstance(
            layer, layers.Conv2D | layers.Conv2DTranspose | layers.DepthwiseConv2D | layers.Dense
        ):
            continue
        # A layer may stand in several places, as in a network that reads every level of a pyramid alike.
        for node in layer._inbound_nodes:
            # A transposed convolution spreads each of its input's pixels by the whole kernel.
            transposed = isinstance(layer, layers.Conv2DTranspose)
            (tensor,) = node.input_tensors if transposed else node.output_tensors
            total += math.prod(tensor.shape[1:-1]) * math.prod(layer.kernel.shape)
    return total


def encoder_for(architecture: str, encoder: str) -> str:
    """The encoder, or another where the architecture cannot take it."""
    needs = load_architecture(architecture)
    return encoder if needs.strides == STRIDES or encoder in needs.taps else OTHER_ENCODER


def build(
    architecture: str, encoder: str, size: int, classes: int, precision: str = "float32"
) -> keras.Model:
    """The network with the default settings of its architecture, at a size and for a number of classes."""
    table = ClassTable.model_validate(
        {"classes": [{"value": k, "name": f"class_{k}", "color": "#000000"} for k in range(classes)]}
    )
    model = ModelSettings(architecture=architecture, encoder=encoder, image_size=size)
    return build_model(TrainingSettings(classes=table, model=model), compute_dtype=precision)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", default="mobilenet_v2")
    parser.add_argument("--size", type=int, default=128, help="pixels")
    parser.add_argument("--classes", type=int, default=3)
    arguments = parser.parse_args()
    print("| architecture | encoder | px | parameters | of these the encoder's | multiply-adds |")
    print("|---|---|---|---|---|---|")
    for name in REGISTRY:
        encoder = encoder_for(name, arguments.encoder)
        model = build(name, encoder, arguments.size, arguments.classes)
        cells = (
            name,
            encoder,
            str(arguments.size),
            f"{model.count_params() / 1e6:.2f} M",
            f"{model.get_layer('encoder').count_params() / 1e6:.2f} M",
            f"{multiply_adds(model) / 1e9:.2f} G",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
