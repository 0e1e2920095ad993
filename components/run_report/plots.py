"""Figures for the page: inline SVG that takes the page's font and colours, light or dark."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
"""What matplotlib draws, and the page's colour that it becomes."""

INK, RULE, FIRST, SECOND = COLORS


MOST_CLASS_LINES = 6


def learning_curves(history: list[dict[str, Any]]) -> list[Markup]:
    """Loss, mean IoU on eval (with its classes, where they are few) and learning rate by epoch.

    Args:
        history: Trainer's history: one entry an epoch, with `epoch`, `loss`, `mean_iou`, `iou` {class name:
            value or None} and `learning_rate`.
    """
    epochs = [entry["epoch"] for entry in history]

    def loss(axes: Axes) -> None:
        axes.plot(epochs, [entry["loss"] for entry in history], color=FIRST)
        axes.set_ylim(bottom=0)

    def iou(axes: Axes) -> None:
        names = list(history[-1]["iou"])
        for name in names if len(names) <= MOST_CLASS_LINES else []:
            values = [np.nan if entry["iou"][name] is None else entry["iou"][name] for entry in history]
            axes.plot(epochs, values, color=INK, linewidth=0.9)
            _label(axes, epochs[-1], values[-1], name, INK)
        values = [entry["mean_iou"] for entry in history]
        best = int(np.argmax(values))
        axes.plot(epochs, values, color=FIRST)
        axes.plot(epochs[best], values[best], color=SECOND, marker="o", markersize=6)
        _label(axes, epochs[-1], values[-1], "mean", FIRST)

    def learning_rate(axes: Axes) -> None:
        axes.plot(epochs, [entry["learning_rate"] for entry in history], color=FIRST)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        axes.set_ylim(bottom=0)

    figures = {"Training loss": loss, "IoU on eval, best epoch marked": iou, "Learning rate": learning_rate}
    return [_svg(title, draw, "epoch") for title, draw in figures.items()]


def _label(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    if np.isfinite(y):
        axes.annotate(text, (x, y), xytext=(5, 0), textcoords="offset points", va="center", color=color)


def score_histogram(scores: np.ndarray) -> Markup:
    """How the photos' mean IoU [n] is distributed; the median is marked."""
    known = scores[~np.isnan(scores)]

    def draw(axes: Axes) -> None:
        axes.hist(known, bins=np.linspace(0, 1, 41).tolist(), color=FIRST)
        median = float(np.median(known))
        axes.axvline(median, color=SECOND)
        axes.annotate(
            f"median {median:.3f}",
            (median, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-5, -2),
            textcoords="offset points",
            ha="right" if median > 0.4 else "left",
            va="top",
            color=INK,
        )
        axes.set_ylabel("photos")
        axes.set_xlim(0, 1)

    return _svg("Mean IoU of single photos", draw, "mean IoU at the photo's own size")


def size_histogram(photo_sizes: dict[str, int]) -> Markup:
    """How large the photos are.

    Args:
        photo_sizes: Number of photos of each "HxW" in pixels.
    """
    sides = [np.sqrt(np.prod([int(side) for side in size.split("x")])) for size in photo_sizes]

    def draw(axes: Axes) -> None:
        axes.hist(sides, bins=30, weights=list(photo_sizes.values()), color=FIRST)
        axes.set_ylabel("photos")

    return _svg("Sizes of the photos", draw, "root of the area in px")


def _svg(title: str, draw: Callable[[Axes], None], x_label: str) -> Markup:
    """Draws into a small figure; small, so that its letters keep their size on a phone."""
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
        axes.set_title(title, loc="left", color=INK)
        axes.set_xlabel(x_label)
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return Markup(_inline(buffer.getvalue(), title))


def _inline(svg: str, title: str) -> str:
    """What an HTML page needs of a SVG file: no prologue, no metadata, no ids that other figures have too."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r"font: ([^;\"]*?)'[^;\"]*", lambda match: f"font: {match[1]}inherit", svg)
    for drawn, shown in COLORS.items():
        svg = svg.replace(drawn, shown)
    return svg.replace("<svg", f'<svg role="img" aria-label="{Markup.escape(title)}"', 1)
