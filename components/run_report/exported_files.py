"""What Exporter left: a row for each format, and a picture of where the masks differ most."""

import base64
import json
import os
from dataclasses import dataclass
from typing import Any

from tfx.dsl.io import fileio

from components.run_report.templates import ABSENT, number, signed
from petseg.evaluation.exports import EXPORTS_FILE, PICTURES_FOLDER


@dataclass(frozen=True)
class ExportedFile:
    """One format.

    Attributes:
        name: of the format.
        entry: its entry of exports.json.
        picture: JPEG as a data URL; empty where there is none.
    """

    name: str
    entry: dict[str, Any]
    picture: str

    @property
    def megabytes(self) -> str:
        """Size of the file; empty where there is none."""
        return f"{self.entry['bytes'] / 1e6:.1f} MB" if self.entry["bytes"] else ""


def read_exports(uri: str) -> list[ExportedFile]:
    """Reads Exporter's artifact, which is empty if the model was refused."""
    file = os.path.join(uri, EXPORTS_FILE)
    if not fileio.exists(file):
        return []
    with fileio.open(file, "rb") as content:
        exports = json.loads(content.read())
    return [ExportedFile(name, entry, _picture(uri, name)) for name, entry in exports.items()]


def _picture(uri: str, name: str) -> str:
    file = os.path.join(uri, PICTURES_FOLDER, f"{name}.jpg")
    if not fileio.exists(file):
        return ""
    with fileio.open(file, "rb") as content:
        return f"data:image/jpeg;base64,{base64.b64encode(content.read()).decode()}"


def markdown_table(exports: list[ExportedFile]) -> list[str]:
    """Lines of a table for the model card."""
    lines = [
        "| Format | Bytes | Latency, ms | Model beside it | Mean IoU | Difference, 95% interval | "
        "Equal pixels | Verdict | Worst slice |",
        "|---|---:|---:|---:|---:|---|---:|---|---|",
    ]
    for exported in exports:
        entry = exported.entry
        if entry["bytes"] is None:
            lines.append(f"| {exported.name} | | | | | | | {entry['verdict']}: {entry['reason']} | |")
            continue
        low, high = entry["interval"]
        lines.append(
            f"| {exported.name} | {entry['bytes']} | {entry['latency_ms']['median']:.1f} | "
            f"{entry['latency_ms']['model_median']:.1f} | "
            f"{number(entry['mean_iou'], 4)} | {signed(entry['difference'], 4)}, {signed(low, 4)} to "
            f"{signed(high, 4)} | {100 * entry['pixel_agreement']:.2f}% | {entry['verdict']} | "
            f"{_worst_slice(entry['worst_slice'])} |"
        )
    return lines


def _worst_slice(worst: dict[str, Any] | None) -> str:
    if worst is None:
        return ABSENT
    return f"{worst['name']} ({worst['examples']} examples): {signed(worst['difference'], 4)}"
