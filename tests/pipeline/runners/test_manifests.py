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
VERSIONS = ("1.28", "1.34")

TFJOB = {"tfReplicaSpecs", "runPolicy", "successPolicy", "enableDynamicWorker"}
RUN_POLICY = {
    "activeDeadlineSeconds", "backoffLimit", "cleanPodPolicy", "managedBy", "schedulingPolicy", "suspend",
    "ttlSecondsAfterFinished",
}  # fmt: skip
"""Fields of a TFJob in the training operator's CustomResourceDefinition, version 1.9."""


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
        if each["kind"] == "TFJob":
            check_tfjob(each, version)
        else:
            kubernetes_validate.validate(each, version, strict=True)


def check_tfjob(job: dict, version: str) -> None:
    assert job["apiVersion"] == "kubeflow.org/v1"
    assert job["spec"].keys() <= TFJOB
    assert job["spec"]["runPolicy"].keys() <= RUN_POLICY
    assert job["spec"]["runPolicy"]["cleanPodPolicy"] in ("None", "Running", "All")
    worker = job["spec"]["tfReplicaSpecs"]["Worker"]
    assert worker.keys() == {"replicas", "restartPolicy", "template"}
    assert worker["replicas"] > 1
    assert worker["restartPolicy"] in ("Always", "OnFailure", "Never", "ExitCode")
    assert [container["name"] for container in worker["template"]["spec"]["containers"]] == ["tensorflow"]
    template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "t"}}
    kubernetes_validate.validate({**template, "template": worker["template"]}, version, strict=True)


def test_a_misspelt_field_would_be_found():
    service = only(built("serving"), "Service")
    service["spec"]["ports"][0]["targetport"] = service["spec"]["ports"][0].pop("targetPort")
    with pytest.raises(kubernetes_validate.ValidationError, match="targetport"):
        kubernetes_validate.validate(service, VERSIONS[0], strict=True)


@pytest.mark.parametrize(("layer", "kind"), [("serving", "Deployment"), ("training", "TFJob")])
def test_pods_are_not_root_and_mount_the_one_volume(layer, kind):
    spec = only(built(layer), kind)["spec"]
    pod = (spec["tfReplicaSpecs"]["Worker"] if kind == "TFJob" else spec)["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
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


def test_workers_get_what_the_trainer_node_gets(kubeflow_file):
    trainer = yaml.safe_load(kubeflow_file.read_text().split("\n---\n")[0])["components"]["Trainer"]
    names = {
        *trainer["inputDefinitions"]["artifacts"],
        *trainer["inputDefinitions"]["parameters"],
        *trainer["outputDefinitions"]["artifacts"],
    }
    worker = only(built("training"), "TFJob")["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
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
        pod = only(objects, "TFJob")["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
        source = pod["containers"][0]["envFrom"][0]["configMapRef"]["name"]
        assert source == only(objects, "ConfigMap")["metadata"]["name"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["containers"][0]["image"].endswith(":cuda")
