"""The Kubernetes manifests as kustomize builds them, against Kubernetes' own schemas."""

import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from tests.conftest import PROJECT
from trainer.settings import TrainingSettings

KUBERNETES = PROJECT / "deploy" / "kubernetes"
LAYERS = sorted(file.parent.name for file in KUBERNETES.glob("*/kustomization.yaml"))
VERSIONS = ("1.29", "1.32", "1.34")
"""The first with each field on by default, then the targets of Kubeflow 1.10 and 1.11 (their README.md)."""


def built(layer: str) -> list[dict]:
    """The objects of a layer, as `kubectl apply -k` sends them; without kubectl as the files have them."""
    if kubectl := shutil.which("kubectl"):
        done = subprocess.run(
            [kubectl, "kustomize", str(KUBERNETES / layer)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))
    kustomization = yaml.safe_load((KUBERNETES / layer / "kustomization.yaml").read_text())
    files = [KUBERNETES / layer / name for name in kustomization["resources"] if name.endswith(".yaml")]
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def only(objects: list[dict], kind: str) -> dict:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def needs_kustomize() -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl, which has kustomize in it, is not installed")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_object_is_valid(layer, version):
    objects = built(layer)
    assert objects or layer == "training-gpu"
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_a_misspelt_field_would_be_found():
    service = only(built("serving"), "Service")
    service["spec"]["ports"][0]["targetport"] = service["spec"]["ports"][0].pop("targetPort")
    with pytest.raises(kubernetes_validate.ValidationError, match="targetport"):
        kubernetes_validate.validate(service, VERSIONS[0], strict=True)


@pytest.mark.parametrize(
    ("layer", "kind"), [("serving", "Deployment"), ("training", "Job"), ("shell", "Pod"), ("base", "Job")]
)
def test_pods_are_the_images_user_and_mount_the_one_volume(layer, kind):
    spec = only(built(layer), kind)["spec"]
    pod = spec["template"]["spec"] if "template" in spec else spec
    if layer == "base":  # gives the volume to the images' user
        assert pod["containers"][0]["command"] == ["chown", "10001:10001", "/petseg"]
    else:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
    assert all(
        not container["securityContext"]["allowPrivilegeEscalation"] for container in pod["containers"]
    )
    claims = [
        volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume
    ]
    assert [claim["claimName"] for claim in claims] == [
        only(built("base"), "PersistentVolumeClaim")["metadata"]["name"]
    ]


def test_the_service_leads_to_the_serving_pods():
    objects = built("serving")
    deployment, service = only(objects, "Deployment"), only(objects, "Service")
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports.keys() == {port["targetPort"] for port in service["spec"]["ports"]}
    assert f"--rest_api_port={ports['rest']}" in container["args"]
    assert f"--port={ports['grpc']}" in container["args"]


def test_serving_is_not_killed_while_it_waits_for_a_first_version():
    (container,) = only(built("serving"), "Deployment")["spec"]["template"]["spec"]["containers"]
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 24 * 3600
    assert "initialDelaySeconds" not in container["livenessProbe"]


@pytest.mark.parametrize(("layer", "kind"), [("base", "Job"), ("training", "Job"), ("shell", "Pod")])
def test_what_ends_has_no_proxy_that_does_not(layer, kind):
    found = only(built(layer), kind)
    metadata = found["spec"]["template"]["metadata"] if kind == "Job" else found["metadata"]
    for words in (metadata["annotations"], metadata["labels"]):
        assert words["sidecar.istio.io/inject"] == "false"


def training_pod(objects: list[dict]) -> dict:
    return only(objects, "Job")["spec"]["template"]["spec"]


def test_workers_get_what_the_trainer_node_gets(kubeflow_file):
    trainer = yaml.safe_load(kubeflow_file.read_text().split("\n---\n")[0])["components"]["Trainer"]
    names = {
        *trainer["inputDefinitions"]["artifacts"],
        *trainer["inputDefinitions"]["parameters"],
        *trainer["outputDefinitions"]["artifacts"],
    }
    # Its key on a cluster.
    names = {"model_run" if name == "training_run" else name for name in names}
    worker = training_pod(built("training"))
    arguments = dict(argument.split("=") for argument in worker["containers"][0]["args"])
    # Digests are for the cache, and training does not read the schema.
    unread = {"code", "warm_start", "schema"}
    assert arguments.keys() == {f"--{name.replace('_', '-')}" for name in names - unread}
    named = (KUBERNETES / "training" / "inputs.env").read_text()
    keys = {*re.findall(r"^(\w+)=/", named, re.MULTILINE), "TRAINING"}
    assert set(arguments.values()) == {f"$({key})" for key in keys}


def test_the_settings_of_the_workers_are_valid():
    TrainingSettings.model_validate_json((KUBERNETES / "training" / "training.json").read_text())


def test_workers_read_the_generated_settings_and_gpus_are_asked_for():
    needs_kustomize()
    plain, gpu = built("training"), built("training-gpu")
    for objects in (plain, gpu):
        pod = training_pod(objects)
        source = pod["containers"][0]["envFrom"][0]["configMapRef"]["name"]
        assert source == only(objects, "ConfigMap")["metadata"]["name"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["containers"][0]["image"].endswith(":cuda")
