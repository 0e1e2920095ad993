"""Compiled pipelines that several tests look at."""

from pathlib import Path

import pytest

from tests.conftest import petseg

SECRET = "not-for-the-file-7c1b"
COMPILED = [
    "--set", "data.path=/petseg/data",
    "--set", "runner.image=petseg:cpu",
    "--set", "runner.pipeline_root=gs://bucket/petseg",
    "--set", "push.directory=/petseg/serving_model",
    "--set", "runner.kubeflow.volume_claim=petseg-data",
    "--set", "runner.nodes.Evaluator.cache=false",
    "--set", "runner.nodes.Pusher={image: petseg:pusher, retries: 1}",
]  # fmt: skip
TRAINER = (
    "runner.nodes.Trainer={{image: petseg:cuda, cpu: 4, memory_gb: 15.5, gpu_type: {gpu_type}, gpus: 2, "
    "retries: 2, timeout_seconds: 7200, node_selector: {{accelerator: h100}}}}"
)


def compiled(folder: Path, target: str, hash_seed: int) -> Path:
    """Compiles in a process of its own, whose sets come in another order than those of other seeds."""
    file = folder / f"{target}_{hash_seed}.yaml"
    gpu_type = {"kubeflow": "nvidia.com/gpu", "vertex": "NVIDIA_TESLA_T4"}[target]
    environment = {"PYTHONHASHSEED": str(hash_seed), "AWS_SECRET_ACCESS_KEY": SECRET}
    trainer = TRAINER.format(gpu_type=gpu_type)
    done = petseg("compile", "--target", target, "--output", file, *COMPILED, "--set", trainer, **environment)
    assert done.status == 0, done.stderr
    assert done.stdout == f"pipeline for {target} in {file}\n"
    assert done.stderr == ""
    return file


@pytest.fixture(scope="session")
def compiled_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def kubeflow_file(compiled_folder) -> Path:
    return compiled(compiled_folder, "kubeflow", 1)


@pytest.fixture(scope="session")
def vertex_file(compiled_folder) -> Path:
    return compiled(compiled_folder, "vertex", 2)
