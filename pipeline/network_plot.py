"""Draws a network's layers, one row each, with an arc for every skip connection."""

import io
from dataclasses import dataclass
from pathlib import Path

import keras
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc

from petseg.errors import UserError
from petseg.files.atomic import write_atomic
from trainer.models import build_model
from trainer.models.blocks import ENCODER_NAME
from trainer.settings import TrainingSettings

FORMATS = (".png", ".svg", ".pdf")
INCHES_A_ROW = 0.28
COLORS = {"trained": "#1f77b4", "frozen": "#7f7f7f", "none": "#000000"}
"""Color of a layer's name by the state of its weights."""


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        text: Name, kind, output shape and parameters.
        sources: Indices of the rows whose output it takes.
        state: A key of `COLORS`.
    """

    text: str
    sources: tuple[int, ...]
    state: str


def plot(settings: TrainingSettings, output: Path) -> None:
    """Writes a picture of the network that the settings describe.

    Of the encoder it shows only the layers whose features the decoder takes.

    Raises:
        UserError: The ending of the file's name is unknown, or the network cannot be built.
    """
    if output.suffix not in FORMATS:
        raise UserError(f"--output {output}: must end in {', '.join(FORMATS)}")
    model = build_model(settings, load_encoder_weights=False)
    rows = network_rows(model)
    height, width = settings.model.input_size
    figure = Figure(figsize=(11, INCHES_A_ROW * (len(rows) + 3)), layout="constrained")
    axes = figure.subplots()
    _draw(axes, rows)
    axes.set_title(
        f"{model.name} on {settings.model.encoder}, {height} x {width} px, "
        f"{model.count_params() / 1e6:.2f} M parameters; blue: trained, gray: frozen",
        loc="left",
    )
    drawing = io.BytesIO()
    figure.savefig(drawing, dpi=110, format=output.suffix.removeprefix("."))
    write_atomic(output, drawing.getvalue())


def network_rows(model: keras.Model) -> list[Row]:
    """Rows of the photo, the encoder's features from fine to coarse, and the decoder's layers by branch."""
    encoder = model.get_layer(ENCODER_NAME)
    rows = [Row(_text("photo", "InputLayer", model.input.shape, 0), (), "none")]
    indices: dict[tuple[int, int, int], int] = {}
    for index, feature in enumerate(encoder.outputs):
        layer = feature._keras_history[0]
        text = _text(f"encoder: {layer.name}", type(layer).__name__, feature.shape, None)
        rows.append(Row(text, (len(rows) - 1,), _state(encoder)))
        indices[id(encoder), 0, index] = len(rows) - 1
    for op, node in _branch_by_branch(model.output, encoder, []):
        taken, made = op._inbound_nodes[node].input_tensors, op._inbound_nodes[node].output_tensors
        histories = [tensor._keras_history for tensor in taken]
        sources = tuple(indices[id(history[0]), history[1], history[2]] for history in histories)
        # A layer may be used several times; its parameters count once.
        parameters = op.count_params() if isinstance(op, keras.layers.Layer) and not node else 0
        name = f"{op.name} (again)" if node else op.name
        rows.append(Row(_text(name, type(op).__name__, made[0].shape, parameters), sources, _state(op)))
        indices[id(op), node, 0] = len(rows) - 1
    return rows


def _branch_by_branch(
    tensor: keras.KerasTensor, encoder: keras.Model, found: list[tuple[keras.Operation, int]]
) -> list[tuple[keras.Operation, int]]:
    """Operations from the encoder to a tensor, each with the index of its use, sources first."""
    op, node, _ = tensor._keras_history
    if op is not encoder and (op, node) not in found:
        for source in op._inbound_nodes[node].input_tensors:
            _branch_by_branch(source, encoder, found)
        found.append((op, node))
    return found


def _text(name: str, kind: str, shape: tuple[int | None, ...], parameters: int | None) -> str:
    size = " x ".join(str(side) for side in shape[1:])
    counted = f"{parameters:>12,}" if parameters else ""
    return f"{name:<44}{kind:<24}{size:<18}{counted}"


def _state(op: keras.Operation) -> str:
    if not getattr(op, "weights", ()):
        return "none"
    return "trained" if op.trainable_weights else "frozen"


def _draw(axes: Axes, rows: list[Row]) -> None:
    longest = max([2, *(index - source for index, row in enumerate(rows) for source in row.sources)])
    for index, row in enumerate(rows):
        axes.text(0.3, index, row.text, family="monospace", va="center", size=8, color=COLORS[row.state])
        axes.plot(0, index, "o", color=COLORS[row.state], markersize=4)
        for source in row.sources:
            if index - source == 1:
                axes.plot([0, 0], [source, index], color="#000000", linewidth=0.8)
            else:
                width = 8 * (index - source) / longest
                middle = (0, (index + source) / 2)
                axes.add_patch(Arc(middle, width, index - source, theta1=90, theta2=270, color="#d62728"))
    axes.set(xlim=(-4.3, 15), ylim=(len(rows) - 0.5, -0.5))
    axes.axis("off")
