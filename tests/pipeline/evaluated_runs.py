"""Folders of evaluated runs written by hand: settings with classes, and counts of photos."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from petseg.metrics.counting import CONFIDENCE_UNITS
from tests.pipeline.run_folders import write_run

CLASSES = ("sky", "tree", "road")
ODD_KINDS = {2: None, 4: "lonely"}
"""The third photo has no kind, the fifth a kind of its own."""
BOUNDARY = [30, 40, 10, 40, 20, 40]
"""Of each photo: three quarters, a quarter and half of the boundary bands overlap."""
CALIBRATION = [100, 60, int(70 * CONFIDENCE_UNITS), 300, 270, int(270 * CONFIDENCE_UNITS)]
"""Of each photo, in two bins: 70 % sure and 60 % right; 90 % sure and 90 % right."""


def counts(photos: int, wrong: float, seed: int) -> np.ndarray:
    """int64 [photos, 3, 3]: 400 pixels a photo, of which about the share `wrong` has another class."""
    rng = np.random.default_rng(seed)
    labels = rng.multinomial(400, [0.5, 0.3, 0.2], size=photos)
    error = np.full((3, 3), wrong / 2)
    np.fill_diagonal(error, 1 - wrong)
    return np.stack([[rng.multinomial(n, row) for n, row in zip(t, error, strict=True)] for t in labels])


def write_evaluated(
    output: Path,
    run_id: str,
    of_photos: np.ndarray,
    names: Sequence[str] | None = None,
    classes: Sequence[str] = CLASSES,
    older: bool = False,
    epochs: int = 3,
    **trainer,
) -> Path:
    """Writes a run's folder with photos.parquet; even photos are of the kind `even`, but see ODD_KINDS.

    An `older` run is of a former release: it called `native` otherwise, has not counted boundaries and
    confidences, and has kept no history of its epochs.
    """
    folder = write_run(output, run_id, 0.7, **trainer)
    settings = yaml.safe_load((folder / "settings.yaml").read_text())
    table = [{"value": i, "name": name, "color": "#123456"} for i, name in enumerate(classes)]
    settings["data"]["classes"] = {"classes": table, "ignored_value": None}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    flat = of_photos.reshape(len(of_photos), -1).tolist()
    rows = {
        "name": list(names or [f"photo_{i:03}" for i in range(len(of_photos))]),
        "split": ["test"] * len(of_photos),
        "label/kind": [ODD_KINDS.get(i, "odd" if i % 2 else "even") for i in range(len(of_photos))],
        "counts_model": flat,
        "counts_photo" if older else "counts_native": flat,
    }
    if older:
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["photo"] = metrics.pop("native")
        (folder / "metrics.json").write_text(json.dumps(metrics))
    else:
        rows |= {f"boundary_{size}": [BOUNDARY] * len(of_photos) for size in ("model", "native")}
        rows |= {f"calibration_{size}": [CALIBRATION] * len(of_photos) for size in ("model", "native")}
        history = [{"epoch": epoch, "mean_iou": 0.7 - 0.3 / epoch} for epoch in range(1, epochs + 1)]
        (folder / "history.json").write_text(json.dumps(history))
    pq.write_table(pa.table(rows), folder / "photos.parquet")
    return folder


def write_report(folder: Path, names: Sequence[str]) -> None:
    """Writes the pictures of a report: pages name them in `alt`."""
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
    views = ("photo", "ground truth", "prediction", "difference")
    images = "".join(f'<img src="{pixel}" alt="{name}: {view}">' for name in names for view in views)
    (folder / "report.html").write_text(f"<html>{images}</html>")
