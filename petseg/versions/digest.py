"""Tells whether two models are the same."""

import hashlib
from pathlib import Path

from petseg.evaluation.exports import EXPORTS_FOLDER
from petseg.evaluation.files import EVALUATION_FILE
from petseg.versions.origin import ORIGIN_FILE

BESIDE_THE_MODEL = (EVALUATION_FILE, ORIGIN_FILE, EXPORTS_FOLDER)
"""Files and folders in the folder of a version that are not part of its model."""


def model_digest(model: str | Path) -> str:
    """SHA-256 over the names and contents of all files of a SavedModel, but for BESIDE_THE_MODEL.

    Equal digests mean that the models are equal byte for byte. The graph counts too: the same weights with a
    repaired signature are another model, which must be pushed. Two exports of equal weights differ, because
    TensorFlow numbers its functions, so a model that is trained again counts as new.
    """
    digest = hashlib.sha256()
    root = Path(model)
    files = (path for path in root.rglob("*") if path.is_file())
    for path in sorted(path for path in files if path.relative_to(root).parts[0] not in BESIDE_THE_MODEL):
        digest.update(f"{path.relative_to(model).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
