"""The folders of the steps on Kubeflow: artifacts on an object store, the rest on the claimed volume."""

import os
import re
from pathlib import Path

from petseg.errors import UserError
from petseg.files.object_store import is_url
from pipeline.paths import Paths, push_directory
from pipeline.settings import PipelineSettings

ROOT = re.compile(r"(minio|s3|gs)://[^/?]+(/.*)?")
"""A folder of a store that Kubeflow's launcher copies artifacts to."""

NAMESPACE_ROOT = ""
"""A pipeline root that the cluster fills in: the default of the namespace."""

FOLDER_IN_POD = "/tmp/petseg"
"""The work folder where no volume is claimed. It is lost with the pod."""


def kubeflow_paths(settings: PipelineSettings) -> Paths:
    """Returns the folders as the steps see them.

    Raises:
        UserError: The root is no store that Kubeflow knows, the work folder is not on the volume, or without
        a
            volume nothing keeps the pushed models.
    """
    kubeflow = settings.runner.kubeflow
    work = _work_folder(settings) if kubeflow.volume_claim else os.path.join(FOLDER_IN_POD, settings.name)
    pushed = settings.push.directory or push_directory(work)
    if not kubeflow.volume_claim and not is_url(pushed):
        raise UserError(
            "push.directory must be s3://bucket/folder or gs://bucket/folder where "
            f"runner.kubeflow.volume_claim names no volume; received {settings.push.directory}"
        )
    return Paths(_root(settings.runner.pipeline_root), push_directory=pushed, work=work)


def _root(root: str | None) -> str:
    if root is None:
        return NAMESPACE_ROOT
    if not ROOT.fullmatch(root):
        raise UserError(
            "runner.pipeline_root must be minio://bucket/folder, s3://bucket/folder or gs://bucket/folder on "
            f"kubeflow, or null for the namespace's own; received {root}"
        )
    return root.rstrip("/")


def _work_folder(settings: PipelineSettings) -> str:
    kubeflow = settings.runner.kubeflow
    folder = os.path.normpath(kubeflow.work_folder or os.path.join(kubeflow.mount_path, settings.name))
    if not Path(folder).is_relative_to(os.path.normpath(kubeflow.mount_path)):
        raise UserError(
            "runner.kubeflow.work_folder must be below runner.kubeflow.mount_path, "
            f"{kubeflow.mount_path}; received {kubeflow.work_folder}"
        )
    return folder
