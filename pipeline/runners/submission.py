"""`pipeline_runner.py submit`: starts a run of the compiled pipeline on a cluster."""

import json
import tempfile
from pathlib import Path

import yaml

from petseg.errors import UserError
from pipeline.runners.compiled_file import Target, compile_pipeline
from pipeline.runners.kubeflow.client import KubeflowCluster
from pipeline.runners.vertex.client import VertexCluster
from pipeline.runs.run_log import quietly
from pipeline.settings import PipelineSettings

CLUSTERS: dict[Target, type[KubeflowCluster] | type[VertexCluster]] = {
    "kubeflow": KubeflowCluster,
    "vertex": VertexCluster,
}


def submit_pipeline(settings: PipelineSettings, target: Target, compiled: Path | None = None) -> str:
    """Starts one run and does not wait for it.

    Address and credentials are tried first: they are the likeliest to be wrong, and compiling takes long.

    Args:
        settings: With `runner.kubeflow` or `runner.vertex`, and without `compiled` all that compiling needs.
        target: The cluster.
        compiled: What `compile` wrote; None: compiled now.

    Returns:
        Where the run can be watched.

    Raises:
        UserError: A setting is missing, the file is none of ours, the cluster cannot be reached, or refuses.
    """
    if compiled is not None:
        _check_file(compiled, target)
    with tempfile.TemporaryDirectory() as folder:
        # Both clients print and log on their own account.
        with quietly():
            cluster = CLUSTERS[target](settings)
        # kfp's client takes no file whose name ends otherwise.
        file = Path(folder) / "pipeline.yaml"
        if compiled is None:
            compile_pipeline(settings, target, file)
        else:
            file.write_bytes(compiled.read_bytes())
        with quietly():
            return cluster.submit(file)


def _check_file(compiled: Path, target: Target) -> None:
    """Refuses what is no compiled pipeline of that cluster."""
    try:
        text = compiled.read_text(encoding="utf-8")
        content = json.loads(text) if target == "vertex" else next(yaml.safe_load_all(text), None)
    except OSError as error:
        raise UserError(f"--file {compiled} cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError):
        content = None
    key = {"vertex": "pipelineSpec", "kubeflow": "pipelineInfo"}[target]
    if not isinstance(content, dict) or key not in content:
        raise UserError(f"--file {compiled} must be what `compile --target {target}` wrote")
