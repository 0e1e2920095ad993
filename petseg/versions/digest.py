"""Tells whether two models are the same."""

import hashlib
from pathlib import Path

from petseg.evaluation.files import EVALUATION_FILE

BESIDE_THE_MODEL = (EVALUATION_FILE,)
"""Files in the folder of a version that are not part of its model."""


def model_digest(model: str | Path) -> str:
    """SHA-256 over the names and contents of all files of a SavedModel, but for those beside the model.

    Equal digests mean that the models are equal byte for byte. The graph counts too: the same weights with a
    repaired signature are another model, which must be pushed. Two exports of equal weights differ, because
    TensorFlow numbers its functions, so a model that is trained again counts as new.
    """
    digest = hashlib.sha256()
    beside = [Path(model, name) for name in BESIDE_THE_MODEL]
    for path in sorted(p for p in Path(model).rglob("*") if p.is_file() and p not in beside):
        digest.update(f"{path.relative_to(model).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
