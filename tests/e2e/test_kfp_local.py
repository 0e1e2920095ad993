"""The compiled file under kfp's own local orchestrator, whose container call is replaced by a process.

Its order of tasks, resolution of inputs and placeholders, and reading of outputs are not ours
(kfp/local/orchestrator/dag_orchestrator.py and executor_input_utils.py). It knows no platform document, no
retries, no cache and no object store: artifacts are in a folder, as on Vertex.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.nodes import NODES, task_name
from tests.conftest import PROJECT
from tests.e2e.kubeflow_runs import compiled
from tests.e2e.same_model import assert_same_model, only_version

pytest.importorskip(
    "kfp.local.orchestrator",
    reason="needs kfp 2.16, which comes with Python 3.11 and later; this has kfp 2.5",
)

pytestmark = pytest.mark.slow

SECONDS = 900


class StepProcess:
    """Runs a task's command as a process, where kfp would start a container (kfp.local's ITaskHandler)."""

    ended: list[subprocess.CompletedProcess[str]]

    def __init__(self, image, full_command, pipeline_root, runner):
        assert image == "petseg:cpu"
        self._command = full_command

    def run(self):
        from kfp.local.status import Status

        # "python" is the image's there, and here that of the tests, which need not be the first on PATH.
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            self._command, cwd=PROJECT, env=os.environ | {"PATH": path}, timeout=SECONDS, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.ended.append(done)
        return Status.FAILURE if done.returncode else Status.SUCCESS


@pytest.fixture
def handlers(monkeypatch):
    """Lets kfp run tasks by StepProcess; gives what has ended."""
    from kfp.local import subprocess_task_handler

    monkeypatch.setattr(StepProcess, "ended", [], raising=False)
    monkeypatch.setattr(subprocess_task_handler, "SubprocessTaskHandler", StepProcess)
    return StepProcess.ended


def test_kfps_own_orchestrator_gives_the_local_runs_model(handlers, first_run, tmp_path):
    from kfp import components, local

    file = compiled(
        tmp_path / "pipeline.yaml", "minio://bucket/petseg",
        "--set", f"data.path={first_run.data}",
        "--set", f"runner.kubeflow.mount_path={tmp_path}/volume",
    )  # fmt: skip
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"))
    pipeline = components.load_component_from_file(str(file))
    try:
        pipeline()
    except RuntimeError as error:
        pytest.fail(f"{error}\n{handlers[-1].stdout[-4000:]}")
    last_lines = [done.stdout.splitlines()[-1] for done in handlers]
    assert len(last_lines) == len({"observe", *map(task_name, NODES)})
    assert all("ended with exit status 0" in line for line in last_lines)
    assert first_run.finished.status == 0, first_run.finished.stderr
    ours = only_version(tmp_path / "volume" / "petseg" / "serving_model")
    theirs = only_version(first_run.output / "serving_model")
    assert_same_model(ours, theirs, sorted((first_run.data / "images").glob("*.jpg"))[:20])
