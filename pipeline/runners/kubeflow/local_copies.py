"""The local copies of artifacts, which the launcher of open-source Kubeflow makes and takes; see own_copies
for Vertex.

It downloads inputs before the step, and uploads outputs after it:
https://github.com/kubeflow/pipelines/blob/2.16.1/backend/src/v2/component/launcher_v2.go, functions
downloadArtifacts, uploadOutputArtifacts and retrieveArtifactPath. So the step needs no filesystem of any
store.
"""

import os
from collections.abc import Callable

from petseg.errors import UserError
from pipeline.runners.kubeflow.executor_input import JsonObject, artifacts_of

FOLDERS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}
"""Folders of the copies by the scheme of the originals (launcher_v2.go, LocalPathForURI)."""


def use_local_copies(executor_input: JsonObject, path_of: Callable[[JsonObject], str]) -> dict[str, str]:
    """Sets the URI of each artifact to the path of its copy, and makes the folders.

    The launcher makes an output's parent folder only, and no folder of an input that is empty: stores have no
    empty folders.

    Args:
        executor_input: kfp's ExecutorInput.
        path_of: Path of an artifact's copy.

    Returns:
        URIs of the originals by the paths of their copies.

    Raises:
        UserError: An artifact is on no store that the launcher knows.
    """
    originals = {}
    for half in ("inputs", "outputs"):
        for _, artifact in artifacts_of(executor_input.get(half, {})):
            path = path_of(artifact)
            originals[path] = artifact["uri"]
            artifact["uri"] = path
            if not os.path.isfile(path):
                os.makedirs(path, exist_ok=True)
    return originals


def local_path(artifact: JsonObject) -> str:
    """Path of an artifact's copy.

    Raises:
        UserError: The artifact is on no store that the launcher knows.
    """
    if path := artifact.get("customPath"):
        return path
    uri = artifact["uri"]
    for scheme, folder in FOLDERS.items():
        if uri.startswith(scheme):
            return folder + uri.removeprefix(scheme)
    raise UserError(f"artifact {uri}: the pipeline root must be on {', '.join(FOLDERS)}")
