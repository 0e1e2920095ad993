"""`pipeline_runner.py compile`: the DAG as a file that a cluster runs."""

import os
import sys
from pathlib import Path
from typing import Literal

from petseg.errors import UserError
from petseg.files.object_store import check_scheme, is_url
from pipeline.paths import Paths, push_directory
from pipeline.runs.run_log import quietly
from pipeline.settings import PipelineSettings

Target = Literal["kubeflow", "vertex"]


def compile_pipeline(settings: PipelineSettings, target: Target, output: Path) -> None:
    """Writes the compiled pipeline, whole or not at all.

    Args:
        settings: With `data.path`, `runner.pipeline_root` and `runner.image`.
        target: The cluster.
        output: File to write: YAML for Kubeflow, JSON for Vertex.

    Raises:
        UserError: A setting is missing, or names a place that the steps could not use.
    """
    paths = cluster_paths(settings)
    _check_gpu_types(settings, target)
    # What TensorFlow and TFX say while they are imported is of no use to anyone.
    with quietly():
        text = _compiled(settings, target, paths)
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_name(f".{output.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(output)


def cluster_paths(settings: PipelineSettings) -> Paths:
    """Returns where the steps keep what, and refuses what can be refused without importing TFX.

    Raises:
        UserError: A setting is missing, or names a place that the steps could not use.
    """
    runner = settings.runner
    if settings.data.path is None:
        raise UserError("data.path is not set; name the data's folder as the steps see it")
    if not runner.image:
        raise UserError("runner.image is not set; name the container image made from deploy/Dockerfile")
    if not runner.pipeline_root:
        raise UserError(
            "runner.pipeline_root is not set; give gs://bucket/folder or a folder that all steps mount"
        )
    root = runner.pipeline_root.rstrip("/")
    _check_root(root)
    pushed = settings.push.directory or push_directory(root)
    if not is_url(pushed) and not os.path.isabs(pushed):
        raise UserError(
            "push.directory must be s3://bucket/folder, gs://bucket/folder or the absolute path of a folder "
            f"that all steps mount; received {pushed}"
        )
    for key, url in (("push.directory", pushed), ("data.path", settings.data.path)):
        check_scheme(key, url)
    return Paths(pipeline_root=root, push_directory=pushed)


def _check_root(root: str) -> None:
    scheme, separator, _ = root.partition("://")
    if separator and scheme in ("s3", "minio"):
        raise UserError(
            f"runner.pipeline_root: TensorFlow has no S3 filesystem, so no step could write to {root}; "
            "give gs://bucket/folder or a folder that all steps mount"
        )
    if (separator and scheme != "gs") or not (separator or os.path.isabs(root)):
        raise UserError(
            f"runner.pipeline_root must be gs://bucket/folder or the absolute path of a folder that all "
            f"steps mount; received {root}"
        )


def _check_gpu_types(settings: PipelineSettings, target: Target) -> None:
    for name, node in settings.runner.nodes.items():
        if node.gpu_type and ("/" in node.gpu_type) != (target == "kubeflow"):
            right = {
                "kubeflow": "a resource such as nvidia.com/gpu",
                "vertex": "a type such as NVIDIA_TESLA_T4",
            }
            raise UserError(
                f"runner.nodes.{name}.gpu_type must be {right[target]} on {target}; received {node.gpu_type}"
            )


def _compiled(settings: PipelineSettings, target: Target, paths: Paths) -> str:
    # TFX takes 10 to 20 seconds to import: not before the settings are known to be right.
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.ERROR)
    # TFX parses sys.argv as absl flags; ours are none of its business.
    sys.argv = sys.argv[:1]
    if target == "kubeflow":
        from pipeline.runners.kubeflow.compile import compile_kubeflow

        return compile_kubeflow(settings, paths)
    from pipeline.runners.vertex.compile import compile_vertex

    return compile_vertex(settings, paths)
