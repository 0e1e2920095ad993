"""Folders of runs written by hand: what a run leaves for `runs` and `compare`."""

import json
from pathlib import Path
from typing import Any

import yaml

SETTINGS: dict[str, Any] = {
    "output": "somewhere",
    "data": {"path": "photos", "slice_features": ["label/kind"]},
    "trainer": {"learning_rate": 0.001, "epochs": 20},
    "push": {"directory": None},
}


def write_run(
    output: Path,
    run_id: str,
    mean_iou: float | None = 0.7,
    blessed: bool = True,
    push: dict[str, Any] | None = None,
    reason: str = "",
    **trainer: Any,
) -> Path:
    """Writes metrics.json, settings.yaml and push.json of a run; without a mean IoU of a stopped one."""
    folder = output / "runs" / run_id
    folder.mkdir(parents=True)
    group = None if mean_iou is None else {"mean_iou": mean_iou, "iou": {}, "pixel_accuracy": 0.9}
    metrics = {
        "model": group and {**group, "size": [64, 64]},
        "native": group and {**group, "mean_iou": group["mean_iou"] - 0.01},
        "split": "test",
        "examples": group and 20,
        "blessed": blessed,
        "reason": reason,
        "baseline": None,
        "settings_sha256": "0123456789abcdef" * 4,
        "seconds": {},
        "peak_memory_mb": 1000,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    settings = SETTINGS | {"output": run_id, "trainer": SETTINGS["trainer"] | trainer}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    if push is not None:
        (folder / "push.json").write_text(json.dumps(push))
    return folder


def write_version(output: Path, version: str, content: str) -> None:
    """Writes a pushed model that only its bytes tell apart."""
    folder = output / "serving_model" / version
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
