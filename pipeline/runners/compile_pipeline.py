"""Compiles the DAG into a file for a cluster."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from petseg.errors import UserError
from petseg.files.atomic import write_atomic
from petseg.files.object_store import check_scheme, is_url
from pipeline.paths import Paths
from pipeline.runners.devices import check_requested_gpus
from pipeline.runners.reach import check_reach, unseen_folders
from pipeline.runners.registry import find_cluster
from pipeline.runners.runner import Cluster
from pipeline.runners.settings import RunnerSettings
from pipeline.runs.run_log import discard_output
from pipeline.settings import PipelineSettings


def compile_pipeline(settings: PipelineSettings, target: str, output: Path) -> None:
    """Compiles the pipeline and writes the file atomically.

    Args:
        settings: With `data.path`, `runner.image`, and what the cluster asks for.
        target: Name of the cluster.
        output: File to write.

    Raises:
        UserError: A setting is missing, or names a folder that the steps cannot use.
    """
    cluster = find_cluster(target)
    paths = _checked_paths(settings, cluster)
    check_reach(settings, cluster.reach(settings))
    _check_gpu_types(settings, cluster)
    check_requested_gpus(settings)
    settings.data.require_classes()
    # TensorFlow and TFX print warnings while they are imported.
    with discard_output():
        text = _compiled(settings, cluster, paths)
    write_atomic(output, text)


def compile_warnings(settings: PipelineSettings, target: str) -> Iterator[str]:
    """Yields what will probably go wrong with a compiled pipeline, one line each.

    Args:
        settings: As for compile_pipeline.
        target: Name of the cluster.
    """
    cluster = find_cluster(target)
    yield from unseen_folders(settings, cluster.reach(settings))
    yield from cluster.warnings(settings)
    for key, image in _images(settings.runner):
        if "@" not in image and image.rpartition("/")[2].partition(":")[2] in ("", "latest"):
            yield (
                f"{key}: {image} may be another image tomorrow, and the cluster's cache would not notice; "
                "name a version, or a digest (@sha256:...)"
            )
    if settings.trainer.distribution == "multi_worker":
        yield (
            "trainer.distribution: multi_worker needs TF_CONFIG, which the cluster does not set; use "
            "mirrored, or train outside the pipeline (deploy/kubernetes/training)"
        )
    if settings.runner.node("Trainer").gpus > 1 and settings.trainer.distribution == "none":
        yield "runner.nodes.Trainer.gpus: with trainer.distribution none only one GPU is used; set mirrored"


def _images(runner: RunnerSettings) -> Iterator[tuple[str, str]]:
    named = {"runner.image": runner.image} | {
        f"runner.nodes.{name}.image": node.image for name, node in runner.nodes.items()
    }
    yield from ((key, image) for key, image in named.items() if image)


@contextmanager
def compiled_file(settings: PipelineSettings, target: str, compiled: Path | None = None) -> Iterator[Path]:
    """A temporary file with the compiled pipeline.

    Args:
        settings: As for compile_pipeline.
        target: Name of the cluster.
        compiled: What `compile` wrote; None: compiled now.

    Raises:
        UserError: As compile_pipeline.
    """
    with tempfile.TemporaryDirectory() as folder:
        # kfp's client accepts only names that end in .yaml.
        file = Path(folder) / "pipeline.yaml"
        if compiled is None:
            compile_pipeline(settings, target, file)
        else:
            file.write_bytes(compiled.read_bytes())
        yield file


def _checked_paths(settings: PipelineSettings, cluster: Cluster) -> Paths:
    """The folders that the steps use, after the checks that do not need TFX."""
    if settings.data.path is None:
        raise UserError("data.path is not set; set it to the data folder as the steps see it")
    if not settings.runner.image:
        raise UserError("runner.image is not set; set it to the container image made from deploy/Dockerfile")
    paths = cluster.paths(settings)
    if not is_url(paths.push_directory) and not os.path.isabs(paths.push_directory):
        raise UserError(
            "push.directory must be s3://bucket/folder, gs://bucket/folder or the absolute path of a folder "
            f"that all steps mount; received {paths.push_directory}"
        )
    for key, url in (("push.directory", paths.push_directory), ("data.path", settings.data.path)):
        check_scheme(key, url)
    return paths


def _check_gpu_types(settings: PipelineSettings, cluster: Cluster) -> None:
    for name, node in settings.runner.nodes.items():
        if node.gpu_type and not re.fullmatch(cluster.gpu_type_pattern, node.gpu_type):
            raise UserError(
                f"runner.nodes.{name}.gpu_type must be {cluster.gpu_type_example} on {cluster.name}; "
                f"received {node.gpu_type}"
            )


def _compiled(settings: PipelineSettings, cluster: Cluster, paths: Paths) -> str:
    # TFX takes 10 to 20 seconds to import: not before the settings are known to be right.
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.ERROR)
    # TFX parses sys.argv as absl flags; it must not see ours.
    sys.argv = sys.argv[:1]
    return cluster.compile(settings, paths)
