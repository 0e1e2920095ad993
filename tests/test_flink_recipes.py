"""deploy/flink against the schemas of Flink's operator, of Kubernetes and of systemd."""

import re
import shutil
import subprocess
import sys

import jsonschema
import kubernetes_validate
import psutil
import pytest
import yaml

from pipeline.beam_checks import flink
from pipeline.beam_checks.check import EngineRun
from pipeline.beam_checks.worker_pool import check_worker_pool
from pipeline.settings import load_settings
from tests.conftest import PROJECT
from tests.flink import flink_cluster, flink_stand_in
from tests.ports import listening_port
from tests.test_docs import parse

FLINK = PROJECT / "deploy" / "flink"
FILES = ("cluster/flink.yaml", "cluster/job-server.yaml", "cluster/network-policy.yaml", "run/run.yaml")
OBJECTS = [each for name in FILES for each in yaml.safe_load_all((FLINK / name).read_text())]
CONFIGURATION = yaml.safe_load((FLINK / "machines" / "flink-conf.yaml").read_text())


def the(kind: str, name: str) -> dict:
    (found,) = [each for each in OBJECTS if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


DEPLOYMENT = the("FlinkDeployment", "petseg-flink")


def strict(schema: dict) -> dict:
    """The schema with unknown fields as errors: Kubernetes would drop them without a word."""
    if "properties" in schema:
        known = {name: strict(each) for name, each in schema["properties"].items()}
        return schema | {"properties": known, "additionalProperties": False}
    return schema


def validate(deployment: dict) -> None:
    schema = yaml.safe_load((PROJECT / "tests" / "flink_deployment_schema.yaml").read_text())
    whole = {"apiVersion": {"const": "flink.apache.org/v1beta1"}, "kind": {}, "metadata": {"type": "object"}}
    jsonschema.validate(deployment, strict(schema | {"properties": schema["properties"] | whole}))


def test_the_flink_deployment_is_valid_for_the_operator():
    validate(DEPLOYMENT)
    for wrong in ({"taskManagers": {}}, {"flinkVersion": "v1_9"}, {"mode": "session"}):
        with pytest.raises(jsonschema.ValidationError):
            validate(DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | wrong})


@pytest.mark.parametrize("version", ["1.29", "1.32", "1.34"])
def test_everything_else_is_valid_for_kubernetes(version):
    pod = DEPLOYMENT["spec"]["taskManager"]["podTemplate"]
    # The operator brings the image of its own container.
    pod["spec"]["containers"][0].setdefault("image", DEPLOYMENT["spec"]["image"])
    for each in [*(each for each in OBJECTS if each is not DEPLOYMENT), pod]:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("layer", ["cluster", "run"])
def test_kustomize_builds_the_layers(layer):
    if not (kubectl := shutil.which("kubectl")):
        pytest.skip("kubectl, which has kustomize in it, is not installed")
    done = subprocess.run(
        [kubectl, "kustomize", str(FLINK / layer)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list(yaml.safe_load_all(done.stdout))) == {"cluster": 5, "run": 1}[layer]
    if layer == "cluster":
        locked = re.search(r"^apache-beam==(\S+) ; python_full_version >=", lock(), re.MULTILINE)
        assert f"image: apache/beam_flink1.19_job_server:{locked[1]}" in done.stdout


def lock() -> str:
    return (PROJECT / "requirements.lock").read_text()


def container(name: str) -> dict:
    pods = [DEPLOYMENT["spec"]["taskManager"]["podTemplate"]["spec"]]
    pods += [each["spec"]["template"]["spec"] for each in OBJECTS if "template" in each["spec"]]
    (found,) = [each for pod in pods for each in pod["containers"] if each["name"] == name]
    return found


def test_the_run_finds_job_server_pool_and_volume():
    run = container("run")
    options = parse(" ".join(run["args"]))
    beam = load_settings(PROJECT / options["config"], options["override"]).beam
    service = the("Service", "petseg-flink-jobs")
    assert beam.address == f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert f"--service_port={beam.worker_pool.rpartition(':')[2]}" in container("worker-pool")["command"]
    spec = DEPLOYMENT["spec"]
    slots = int(spec["flinkConfiguration"]["taskmanager.numberOfTaskSlots"]) * spec["taskManager"]["replicas"]
    assert beam.workers == slots
    mounts = [container(name)["volumeMounts"] for name in ("run", "worker-pool", "job-server")]
    assert mounts[0] == mounts[1] == mounts[2]


def test_nobody_reaches_the_worker_pool_from_outside_its_pod():
    policy = the("NetworkPolicy", "petseg-flink")["spec"]
    assert policy["podSelector"]["matchLabels"] == {"app": DEPLOYMENT["metadata"]["name"]}
    opened = [port for rule in policy["ingress"] for port in rule["ports"]]
    assert all(rule["from"] for rule in policy["ingress"])
    assert not any(each["port"] <= 50000 <= each.get("endPort", each["port"]) for each in opened)
    named = [port for key, port in DEPLOYMENT["spec"]["flinkConfiguration"].items() if key.endswith(".port")]
    for port in named:
        assert any(each["port"] <= int(port) <= each.get("endPort", each["port"]) for each in opened)


def test_the_jobs_policy_lets_the_run_through():
    (rule,) = the("NetworkPolicy", "petseg-flink-jobs")["spec"]["ingress"]
    driver = the("Job", "petseg-run")["spec"]["template"]["metadata"]["labels"]
    assert rule["from"][0]["podSelector"]["matchLabels"].items() <= driver.items()
    ports = {port["port"] for port in the("Service", "petseg-flink-jobs")["spec"]["ports"]}
    assert ports == {rule["ports"][0]["port"], rule["ports"][0]["endPort"]}


@pytest.mark.parametrize("settings", [DEPLOYMENT["spec"]["flinkConfiguration"], CONFIGURATION])
def test_the_recommended_settings_pass_the_checks(settings):
    beam = load_settings(
        None,
        ["beam.engine=flink", "beam.address=flink:8081", "beam.worker_pool=localhost:50000"],
    ).beam
    with flink_stand_in() as answers:
        answers.configure(settings)
        (task_manager,) = answers.answers["/taskmanagers"]["taskmanagers"]
        task_manager["memoryConfiguration"]["networkMemory"] = 256 * 2**20
        run = EngineRun(beam.model_copy(update={"address": answers.address}))
        assert settings["taskmanager.memory.network.min"] == "256m"
        assert not flink.check_network_memory(run).is_warning
        assert not flink.check_restarts(run).is_warning


@pytest.mark.slow
def test_a_real_flink_starts_with_the_lines_for_machines(tmp_path):
    own = {key: value for key, value in CONFIGURATION.items() if not key.endswith(".port")}
    with flink_cluster(tmp_path, own) as address:
        beam = load_settings(
            None, ["beam.engine=flink", f"beam.address={address}", "beam.worker_pool=localhost:50000"]
        ).beam
        assert not flink.check_network_memory(EngineRun(beam)).is_warning
        assert not flink.check_restarts(EngineRun(beam)).is_warning


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path):
    text = (FLINK / "machines" / "petseg-worker-pool.service").read_text()
    script = FLINK / "machines" / "worker-pool.sh"
    assert f"ExecStart=/opt/petseg/{script.relative_to(PROJECT)}" in text
    unit = tmp_path / "petseg-worker-pool.service"
    # Systemd looks for the program, which is where the project is installed.
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={script}", text, flags=re.MULTILINE))
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_start_script_starts_a_pool_that_starts_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("VENV", sys.prefix)
    monkeypatch.setenv("PORT", "0")
    pool = psutil.Popen([FLINK / "machines" / "worker-pool.sh"], cwd=tmp_path)
    try:
        address = f"localhost:{listening_port(pool)}"
        beam = load_settings(
            None, ["beam.engine=portable", "beam.address=localhost:8099", f"beam.worker_pool={address}"]
        ).beam
        assert check_worker_pool(EngineRun(beam)).detail == f"{address} starts workers"
    finally:
        pool.terminate()
        pool.wait(timeout=30)
