"""Compiled pipelines that several tests look at, and clusters on loopback that take them."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.conftest import petseg
from tests.pipeline.fake_clusters import TOKEN, FakeKubeflow, FakeVertex

SECRET = "not-for-the-file-7c1b"
COMPILED = [
    "--config", "configs/data/pets.yaml",
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
    # Vertex mounts buckets, not the volume.
    warned = {"kubeflow": [], "vertex": ["data.path", "push.directory"]}[target]
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["warning", key] for key in [*warned, "runner.nodes.Trainer.gpus"]
    ]
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


@pytest.fixture
def kubeflow():
    with FakeKubeflow().serving() as server:
        yield server


@pytest.fixture
def vertex():
    with FakeVertex().serving() as server:
        yield server


@pytest.fixture
def token_file(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    return file


@pytest.fixture
def key_file(tmp_path, monkeypatch, vertex):
    """A service account's key whose sign-in is on loopback."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    vertex.public_key = public_pem(key)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "key.json"
    account = {
        "type": "service_account",
        "project_id": "pets",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "petseg@pets.iam.gserviceaccount.com",
        "token_uri": f"{vertex.address}/token",
    }
    file.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return file


def public_pem(key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def kubeflow_settings(address: str, *more: str) -> list[str]:
    return [f"runner.kubeflow.host={address}", "runner.service_account=petseg", *more]


def vertex_settings(address: str) -> list[str]:
    return [
        "runner.vertex.project=pets",
        "runner.vertex.region=europe-west4",
        f"runner.vertex.endpoint={address}",
        "runner.service_account=petseg@pets.iam.gserviceaccount.com",
    ]
