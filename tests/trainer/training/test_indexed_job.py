"""The training that deploy/kubernetes/training starts: its pods as processes with their environment."""

import json
import re
import subprocess

import pytest
import yaml

from tests.conftest import PROJECT
from tests.ports import reserve_port
from tests.trainer.small_run import history, small_settings, start, training_paths, write_inputs
from trainer.run import run

LAYER = PROJECT / "deploy" / "kubernetes" / "training"
JOB = yaml.safe_load((LAYER / "job.yaml").read_text())
(CONTAINER,) = JOB["spec"]["template"]["spec"]["containers"]


def expanded(text: str, environment: dict[str, str]) -> str:
    """Replaces $(NAME) as kubelet does: $$ is $, and what is not known yet stays."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else environment.get(match[1], match[0])

    return re.sub(r"\$\$|\$\((\w+)\)", value, text)


def environment_of_pod(index: int, inputs: dict[str, str]) -> dict[str, str]:
    """envFrom, then env in its order, each expanded by those before it."""
    fields = {"metadata.annotations['batch.kubernetes.io/job-completion-index']": str(index)}
    environment = dict(inputs)
    for variable in CONTAINER["env"]:
        source = variable.get("valueFrom")
        environment[variable["name"]] = (
            fields[source["fieldRef"]["fieldPath"]] if source else expanded(variable["value"], environment)
        )
    return environment


def pods(inputs: dict[str, str]) -> list[subprocess.Popen]:
    """Starts a process for each pod; ports on loopback stand for the names that the cluster's DNS knows."""
    indices = range(JOB["spec"]["completions"])
    addresses = {
        f"petseg-training-{index}.petseg-training:2222": f"127.0.0.1:{reserve_port()}" for index in indices
    }
    started = []
    for index in indices:
        environment = environment_of_pod(index, inputs)
        for name, address in addresses.items():
            assert name in environment["TF_CONFIG"]
            environment["TF_CONFIG"] = environment["TF_CONFIG"].replace(name, address)
        command = [expanded(word, environment) for word in [*CONTAINER["command"], *CONTAINER["args"]]]
        assert command[0] == "python"
        started.append(start(command[1:], **environment))
    return started


def test_each_pod_has_a_name_that_the_others_know():
    (service,) = yaml.safe_load_all((LAYER / "workers.yaml").read_text())
    spec = JOB["spec"]
    assert spec["completionMode"] == "Indexed"
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": JOB["metadata"]["name"]}
    assert spec["template"]["spec"]["subdomain"] == service["metadata"]["name"]
    (port,) = service["spec"]["ports"]
    assert CONTAINER["ports"] == [{"name": port["targetPort"], "containerPort": port["port"]}]
    names = [
        f"{JOB['metadata']['name']}-{index}.{service['metadata']['name']}:{port['port']}"
        for index in range(spec["completions"])
    ]
    assert spec["parallelism"] == spec["completions"]
    for index in range(spec["completions"]):
        config = json.loads(environment_of_pod(index, {})["TF_CONFIG"])
        assert config == {"cluster": {"worker": names}, "task": {"type": "worker", "index": index}}


@pytest.mark.slow
def test_the_pods_train_like_one_device(tmp_path):
    write_inputs(tmp_path)
    one, job = tmp_path / "one", tmp_path / "job"
    run(small_settings(), training_paths(tmp_path, one))
    # inputs.env and training.json, for folders of this test.
    config_map = {
        "EXAMPLES": str(tmp_path / "examples"),
        "TRANSFORM_GRAPH": "",
        "STATISTICS": str(tmp_path / "statistics"),
        "TRAINING": small_settings(distribution="multi_worker").model_dump_json(),
        "CHECKPOINTS": str(job / "checkpoints"),
        "MODEL": str(job / "model"),
        "MODEL_RUN": str(job / "model_run"),
    }
    named = re.findall(r"^(\w+)=", (LAYER / "inputs.env").read_text(), re.MULTILINE)
    assert config_map.keys() == {*named, "TRAINING"}
    workers = pods(config_map)
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    losses = [[record["loss"] for record in history(folder)] for folder in (job, one)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert (job / "model" / "Format-Serving" / "saved_model.pb").is_file()
