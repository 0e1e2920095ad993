"""Starts a run of the compiled pipeline on a cluster."""

from pathlib import Path

from petseg.errors import UserError
from pipeline.runners.compile_pipeline import compiled_file
from pipeline.runners.registry import find_cluster
from pipeline.runners.runner import Cluster
from pipeline.runs.run_log import discard_output
from pipeline.settings import PipelineSettings


def submit_pipeline(settings: PipelineSettings, target: str, compiled: Path | None = None) -> str:
    """Starts one run and returns without waiting for it.

    Args:
        settings: With the cluster's address, and with all that compiling needs if `compiled` is None.
        target: Name of the cluster.
        compiled: What `compile` wrote; None: compiled now.

    Returns:
        URL of the run's page.

    Raises:
        UserError: A setting is missing, `compile` did not write the file, or the cluster cannot be reached
            or refuses.
    """
    cluster = find_cluster(target)
    if compiled is not None:
        _check_file(compiled, cluster)
    # Connect first: a wrong address or credential is likely, and compiling takes long.
    with discard_output():
        client = cluster.connect(settings)
    with compiled_file(settings, target, compiled) as file, discard_output():
        return client.submit(file)


def _check_file(compiled: Path, cluster: Cluster) -> None:
    try:
        is_right = cluster.is_compiled(compiled.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--file {compiled} cannot be read: {error.strerror}") from None
    except ValueError:
        is_right = False
    if not is_right:
        raise UserError(f"--file {compiled} must be a file written by `compile --target {cluster.name}`")
