"""An environment that has what the exported scripts name, and no TensorFlow."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement
from PIL import Image

RUNTIMES = ("onnxruntime", "ai-edge-litert", "numpy", "pillow")


def packages(*names):
    """These packages and what they need."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        requirements = map(Requirement, needed)
        waiting += [
            each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return found


def make_site(folder: Path) -> Path:
    """Fills a folder with the packages that the scripts name, and no others."""
    for name in packages(*RUNTIMES):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}:
            target = folder / top
            if not target.exists():
                target.symlink_to(Path(distribution.locate_file(top)))
    return folder


def without_tensorflow(site: Path, *arguments: str | Path) -> None:
    """Runs Python with the packages of `make_site` alone; fails with what it says."""
    process = subprocess.run(
        [sys.executable, "-S", *arguments],
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr


def by_script(file: Path, script: str, photo: Path, site: Path) -> np.ndarray:
    """The mask that the script beside an exported file makes of a photo; it is in mask.png there."""
    mask = file.parent / "mask.png"
    without_tensorflow(site, file.parent / script, file, photo, mask)
    return np.array(Image.open(mask))
