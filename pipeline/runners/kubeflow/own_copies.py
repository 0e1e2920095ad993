"""Local copies of artifacts that a step makes itself: on Vertex nobody else does.

Artifacts are at gs:// URIs there. TensorFlow reads and writes those, but what else a node uses, such as
Parquet files and pushed models, needs files. So a step works on copies as it does on open-source Kubeflow.
"""

import os
import tempfile
from pathlib import Path

from petseg.files.object_store import StorePath, copy_folder, is_url
from pipeline.runners.kubeflow.executor_input import JsonObject, artifacts_of

FOLDER = "petseg_artifacts"
"""Folder of the copies, in that for temporary files."""


def own_path(artifact: JsonObject) -> str:
    """Path of an artifact's copy; an artifact in a folder is its own."""
    uri = artifact["uri"]
    if not is_url(uri):
        return uri
    return os.path.join(tempfile.gettempdir(), FOLDER, uri.partition("://")[2])


def download_inputs(executor_input: JsonObject) -> None:
    """Downloads the input artifacts.

    Raises:
        UserError: The store cannot be reached.
    """
    for _, artifact in artifacts_of(executor_input.get("inputs", {})):
        if is_url(artifact["uri"]):
            StorePath(artifact["uri"]).download(Path(own_path(artifact)))


def upload_outputs(outputs: JsonObject) -> None:
    """Uploads what the node wrote, files and folders.

    Args:
        outputs: Of kfp's ExecutorInput, as the cluster gave it.

    Raises:
        UserError: The store cannot be reached.
    """
    for _, artifact in artifacts_of(outputs):
        copy = Path(own_path(artifact))
        if is_url(artifact["uri"]) and copy.is_file():
            StorePath(artifact["uri"]).upload(copy)
        elif is_url(artifact["uri"]):
            copy_folder(copy, StorePath(artifact["uri"]))
