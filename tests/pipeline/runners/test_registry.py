"""A runner is one class and one line in the registry; every command then knows it."""

import json
import os
import subprocess
import sys

import pytest

from pipeline.runners.registry import RUNNERS, cluster_names, find_cluster, find_runner
from tests.conftest import PROJECT
from tests.pipeline.conftest import COMPILED

WITH_A_THIRD_CLUSTER = """
from pipeline.runners.registry import RUNNERS
RUNNERS["folder"] = "tests.pipeline.runners.folder_cluster.FolderCluster"
from pipeline_runner import main
main()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cluster").mkdir()
    return tmp_path / "cluster"


@pytest.fixture
def petseg(folder):
    """The command line with a third cluster, named `folder`."""

    def run(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-c", WITH_A_THIRD_CLUSTER, *map(str, arguments)],
            cwd=PROJECT,
            env=os.environ | {"FOLDER_CLUSTER": str(folder), "COLUMNS": "160"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("name", RUNNERS)
def test_every_registered_runner_can_be_built(name):
    assert find_runner(name).name == name
    assert name == "local" or find_cluster(name).name == name


@pytest.mark.parametrize("command", ["compile", "submit", "schedule"])
def test_a_new_runner_is_a_target_of_every_command(petseg, command):
    assert "folder" not in cluster_names()
    assert "vertex|folder" in petseg(command, "--help")
    assert "'folder'" in petseg(command, "--target", "nowhere")


def test_a_pipeline_is_compiled_and_submitted(petseg, folder, tmp_path):
    file = tmp_path / "pipeline.json"
    compiled = petseg("compile", "--target", "folder", "--output", file, *COMPILED)
    assert compiled == f"pipeline for folder in {file}\n"
    assert json.loads(file.read_text())["root"] == "gs://bucket/petseg"
    assert petseg("submit", "--target", "folder", "--file", file) == f"{(folder / 'run.json').as_uri()}\n"
    refused = petseg("submit", "--target", "kubeflow", "--file", file)
    assert "a file written by `compile --target kubeflow`" in refused


def test_the_gpu_type_is_checked_as_the_cluster_names_it(petseg, tmp_path):
    gpu = "runner.nodes.Trainer={gpu_type: nvidia.com/gpu, gpus: 1}"
    said = petseg("compile", "--target", "folder", "--output", tmp_path / "x", *COMPILED, "--set", gpu)
    assert "must be a number such as gpu-1 on folder; received nvidia.com/gpu" in said


def test_a_schedule_is_added_listed_paused_and_deleted(petseg, folder):
    made = petseg(
        "schedule", "--target", "folder", "--cron", "0 3 * * 1", "--name", "weekly", *COMPILED
    )  # fmt: skip
    assert made == f"{(folder / 'weekly.json').as_uri()}\n"
    assert petseg("schedule", "pause", "weekly", "--target", "folder") == "weekly is paused\n"
    (listed,) = json.loads(petseg("schedule", "list", "--target", "folder", "--json"))
    assert (listed["name"], listed["cron"], listed["state"]) == ("weekly", "0 3 * * MON", "paused")
    petseg("schedule", "delete", "weekly", "--target", "folder")
    assert json.loads(petseg("schedule", "list", "--target", "folder", "--json")) == []
