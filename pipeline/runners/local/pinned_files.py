"""Files that a training reads, under names that follow from their content.

A node's cache key has the paths of the encoder's weights and of the folder to start from, and nothing of what
is there. So the Trainer gets a link in the work folder that is named by a digest: another file under the same
path gives another name, and the same file elsewhere gives the same.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from petseg.errors import UserError
from petseg.versions import model_digest
from pipeline.settings import PipelineSettings

FOLDER = "inputs"
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class PinnedFiles:
    """Links to what `model.encoder_weights` and `trainer.warm_start` name; None where they name no file.

    Attributes:
        encoder_weights: Link to the file.
        warm_start: Link to the folder.
        warm_start_digest: The folder's digest; empty without one.
    """

    encoder_weights: str | None = None
    warm_start: str | None = None
    warm_start_digest: str = ""


def weights_file(settings: PipelineSettings) -> Path | None:
    """The file that `model.encoder_weights` names; None for `imagenet` and for none.

    Raises:
        UserError: There is no such file.
    """
    weights = settings.model.encoder_weights
    if not weights or weights == "imagenet":
        return None
    if not Path(weights).is_file():
        raise UserError(f"model.encoder_weights: there is no file {weights}; set a file, `imagenet` or null")
    return Path(weights)


def pin_files(settings: PipelineSettings, work: Path) -> PinnedFiles:
    """Reads the digests, and makes the links anew.

    Args:
        settings: Names the file and the folder.
        work: The work folder.

    Raises:
        UserError: The file is missing.
    """
    weights, warm_start = weights_file(settings), settings.trainer.warm_start
    targets: dict[str, Path] = {}
    if weights:
        targets[f"{file_digest(weights)}.h5"] = weights
    digest = model_digest(warm_start) if isinstance(warm_start, str) else ""
    if isinstance(warm_start, str):
        targets[digest] = Path(warm_start)
    folder = work / FOLDER
    _link(folder, targets)
    links = {target: str(folder / name) for name, target in targets.items()}
    return PinnedFiles(
        encoder_weights=links[weights] if weights else None,
        warm_start=links[Path(warm_start)] if isinstance(warm_start, str) else None,
        warm_start_digest=digest,
    )


def _link(folder: Path, targets: dict[str, Path]) -> None:
    """Leaves exactly these links in the folder."""
    for link in folder.iterdir() if folder.is_dir() else ():
        link.unlink()
    for name, target in targets.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(os.path.abspath(target))


def file_digest(file: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
