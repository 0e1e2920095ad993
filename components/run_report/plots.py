"""Plots for the page: inline SVG in the page's font and colors, light or dark."""

import dataclasses
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from petseg.metrics.counting import CONFIDENCE_UNITS

STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}
COLORS = {
    "#010101": "var(--ink-2)",
    "#020202": "var(--rule)",
    "#030303": "var(--series-1)",
    "#040404": "var(--series-2)",
}
"""Colors that matplotlib draws, and the page's colors that replace them."""

INK, RULE, FIRST, SECOND = COLORS

MOST_CLASS_LINES = 6


@dataclasses.dataclass(frozen=True)
class Plot:
    """A plot and its title."""

    title: str
    svg: Markup


def learning_curves(history: list[dict[str, Any]]) -> list[Plot]:
    """Loss, IoU on eval (mean, and each class where they are few) and learning rate by epoch.

    Args:
        history: Trainer's history: one entry for each epoch, with `epoch`, `loss`, `mean_iou`, `iou` {class
            name: value or None} and `learning_rate`.
    """
    epochs = [entry["epoch"] for entry in history]

    def loss(axes: Axes) -> None:
        lines = {"training": [entry["loss"] for entry in history]}
        # Trainings of earlier releases have none.
        if all(entry.get("eval_loss") is not None for entry in history):
            lines["eval"] = [entry["eval_loss"] for entry in history]
        for values, color in zip(lines.values(), (FIRST, SECOND), strict=False):
            axes.plot(epochs, values, color=color, marker=_marker(epochs))
        axes.set_ylim(0, 1.08 * max(value for values in lines.values() for value in values))
        if len(lines) > 1:
            _label_ends(axes, {name: (epochs[-1], values[-1]) for name, values in lines.items()})

    def iou(axes: Axes) -> None:
        mean = [entry["mean_iou"] for entry in history]
        lines = {"mean": mean}
        if len(history[-1]["iou"]) <= MOST_CLASS_LINES:
            for name in history[-1]["iou"]:
                lines[name] = [
                    entry["iou"][name] if entry["iou"][name] is not None else np.nan for entry in history
                ]
        for name, values in lines.items():
            bold = name == "mean"
            axes.plot(
                epochs,
                values,
                color=FIRST if bold else INK,
                linewidth=1.8 if bold else 0.9,
                marker=_marker(epochs),
            )
        best = int(np.argmax(mean))
        axes.plot(epochs[best], mean[best], color=SECOND, marker="o", markersize=6)
        _label_ends(axes, {name: (epochs[-1], values[-1]) for name, values in lines.items()})

    def learning_rate(axes: Axes) -> None:
        rates = [entry["learning_rate"] for entry in history]
        axes.plot(epochs, rates, color=FIRST, marker=_marker(epochs))
        axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        axes.set_ylim(bottom=0)

    drawn = {"Loss": loss, "IoU on eval, best epoch marked": iou, "Learning rate": learning_rate}
    return [_plot(title, draw, "epoch", epochs=max(epochs)) for title, draw in drawn.items()]


def _marker(epochs: list[int]) -> str | None:
    """A line of one epoch is a point."""
    return "o" if len(epochs) == 1 else None


def compared_curves(histories: dict[str, list[dict[str, Any]]]) -> Plot:
    """Mean IoU on eval by epoch of several trainings, by name; the first is highlighted."""

    def draw(axes: Axes) -> None:
        for index, history in enumerate(histories.values()):
            axes.plot(
                [entry["epoch"] for entry in history],
                [entry["mean_iou"] for entry in history],
                color=INK if index else FIRST,
                linewidth=0.9 if index else 1.8,
                marker="o" if len(history) == 1 else None,
            )
        ends = {name: history[-1] for name, history in histories.items()}
        _label_ends(axes, {name: (end["epoch"], end["mean_iou"]) for name, end in ends.items()})

    epochs = max(history[-1]["epoch"] for history in histories.values())
    return _plot("Mean IoU on eval during training", draw, "epoch", epochs=epochs)


def _label_ends(axes: Axes, ends: dict[str, tuple[float, float]]) -> None:
    """Labels the lines at the right edge, from bottom to top, a line of text apart.

    Args:
        axes: The plot with the lines.
        ends: x and y of the end of each line. A thin line leads from an early end to its label.
    """
    bottom, top = axes.get_ylim()
    gap = (top - bottom) * 0.075
    lowest = -np.inf
    edge = max(x for x, _ in ends.values())
    for name, (x, y) in sorted(ends.items(), key=lambda end: end[1][1]):
        if np.isfinite(y):
            lowest = max(y, lowest + gap)
            if x < edge:
                axes.plot([x, edge], [y, lowest], color=INK, linewidth=0.6, linestyle=":")
            axes.annotate(
                name,
                (edge, lowest),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=INK,
                fontsize=9,
            )


def score_histogram(scores: np.ndarray) -> Plot:
    """Histogram of the photos' mean IoU [n], with the median marked."""
    known = scores[~np.isnan(scores)]

    median = float(np.median(known))

    def draw(axes: Axes) -> None:
        axes.hist(known, bins=np.linspace(0, 1, 41).tolist(), color=FIRST)
        axes.axvline(median, color=SECOND)
        _count_photos(axes)
        axes.set_xlim(0, 1)

    title = f"Mean IoU of each photo, median {median:.3f}"
    return _plot(title, draw, "mean IoU at native resolution")


def _count_photos(axes: Axes) -> None:
    axes.set_ylabel("photos")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def change_histogram(changes: np.ndarray) -> Plot:
    """Histogram of the change of the photos' mean IoU [n] between two models, with zero marked."""
    known = changes[~np.isnan(changes)]
    reach = max(0.05, float(np.quantile(np.abs(known), 0.99))) if len(known) else 0.05

    def draw(axes: Axes) -> None:
        axes.hist(np.clip(known, -reach, reach), bins=np.linspace(-reach, reach, 42).tolist(), color=FIRST)
        axes.axvline(0, color=SECOND)
        _count_photos(axes)

    return _plot("Change of each photo", draw, "change of mean IoU at native resolution")


def reliability(bins: np.ndarray, title: str) -> Plot:
    """Reliability diagram: accuracy by confidence, against the diagonal of a calibrated model.

    Args:
        bins: int64 [bins, 3], `petseg.metrics.counting.CALIBRATION`.
        title: Of the plot.
    """
    pixels, correct, confidence_sum = bins[bins[:, 0] > 0].T.astype(np.float64)
    confidence = confidence_sum / CONFIDENCE_UNITS / pixels

    def draw(axes: Axes) -> None:
        axes.bar(confidence, pixels / pixels.sum(), width=0.8 / len(bins), color=RULE)
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.9)
        axes.plot(confidence, correct / pixels, color=FIRST, marker="o", markersize=4)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_ylabel("accuracy")

    return _plot(title, draw, "confidence")


def size_histogram(photo_sizes: dict[str, int]) -> Plot:
    """Histogram of the photo sizes.

    Args:
        photo_sizes: Number of photos of each "HxW" in pixels.
    """
    sides = [np.sqrt(np.prod([int(side) for side in size.split("x")])) for size in photo_sizes]

    def draw(axes: Axes) -> None:
        axes.hist(sides, bins=30, weights=list(photo_sizes.values()), color=FIRST)
        _count_photos(axes)

    return _plot("Photo sizes", draw, "square root of the area in px")


def _plot(title: str, draw: Callable[[Axes], None], x_label: str, epochs: int | None = None) -> Plot:
    """Draws a plot, small enough that its text stays legible on a phone.

    Args:
        title: Its title.
        draw: Draws into the axes.
        x_label: Label of the x axis.
        epochs: The last epoch, where the x axis shows epochs.
    """
    options: dict[str, Any] = {
        **STYLE,
        "svg.hashsalt": title,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.edgecolor": RULE,
        "grid.color": RULE,
    }
    with matplotlib.rc_context(options):
        figure = Figure(figsize=(4.6, 2.8), layout="constrained")
        axes = figure.subplots()
        axes.set_xlabel(x_label)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=epochs is not None))
        draw(axes)
        if epochs == 1:
            axes.set_xlim(0.5, 1.5)
            axes.set_xticks([1])
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return Plot(title, Markup(_inline(buffer.getvalue(), title)))


def _inline(svg: str, title: str) -> str:
    """Prepares an SVG file for an HTML page: no prologue, no metadata, no ids that other plots share."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r"font: ([^;\"]*?)'[^;\"]*", lambda match: f"font: {match[1]}inherit", svg)
    for drawn, shown in COLORS.items():
        svg = svg.replace(drawn, shown)
    return svg.replace("<svg", f'<svg role="img" aria-label="{Markup.escape(title)}"', 1)
