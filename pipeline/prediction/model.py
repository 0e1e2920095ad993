"""The pushed model that `predict` and `app` use."""

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from petseg.errors import UserError
from petseg.files.object_store import StorePath, check_scheme, is_url
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions import NONE, fetch_version, production_version

if TYPE_CHECKING:
    from petseg.segmenter import Segmenter


def model_folder(model: Path) -> Path:
    """Folder of a pushed version: `model` itself, or its highest version if it holds all versions.

    Raises:
        UserError: There is no pushed model.
    """
    version = production_version(model)
    folder = model / version if version != NONE else model
    if not (folder / MODEL_SETTINGS).is_file():
        raise UserError(
            f"--model {model}: no pushed model there; use the folder of a version, or serving_model"
        )
    return folder


def local_model(model: str) -> Path:
    """A version's folder on this machine: see `model_folder`; a model on an object store is downloaded.

    Raises:
        UserError: There is no pushed model.
    """
    if not is_url(model):
        return model_folder(Path(model))
    check_scheme("--model", model)
    version = production_version(model)
    folder = Path(tempfile.mkdtemp(prefix="petseg_model_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if version == NONE:
        StorePath(model).download(folder / StorePath(model).name)
        return model_folder(folder / StorePath(model).name)
    fetch_version(model, version, folder / version)
    return model_folder(folder / version)


def load_segmenter(folder: Path, kind: "type[Segmenter] | None" = None) -> Any:
    """Loads the SavedModel of a version's folder, as a Segmenter or a kind of it.

    Raises:
        UserError: It cannot be loaded.
    """
    # TensorFlow takes ten seconds to import.
    from petseg.segmenter import Segmenter

    try:
        return (kind or Segmenter)(str(folder))
    except UserError:
        raise
    # TensorFlow and Protocol Buffers raise all kinds of errors for damaged files.
    except Exception as error:
        said = (str(error).strip().splitlines() or [""])[0]
        raise UserError(
            f"--model {folder}: the model cannot be loaded: {type(error).__name__}: {said}; it is "
            "damaged or incomplete: copy it there again, or use another version"
        ) from error
