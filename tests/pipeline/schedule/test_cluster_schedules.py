"""Schedules on servers on loopback that speak the clusters' HTTP APIs."""

import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from petseg.errors import UserError
from pipeline.nodes import NODES, task_name
from pipeline.runners.kubeflow.schedules import KubeflowSchedules
from pipeline.runners.vertex.schedules import VertexSchedules
from pipeline.settings import load_settings
from tests.conftest import petseg
from tests.pipeline.conftest import COMPILED, kubeflow_settings, vertex_settings

RECURRING = "/apis/v2beta1/recurringruns"
SCHEDULES = "/v1/projects/pets/locations/europe-west4/schedules"


def on_kubeflow(server, *more: str) -> KubeflowSchedules:
    return KubeflowSchedules(load_settings(None, kubeflow_settings(server.address, *more)))


def on_vertex(server) -> VertexSchedules:
    return VertexSchedules(load_settings(None, vertex_settings(server.address)))


def test_kubeflow_keeps_a_recurring_run(kubeflow, token_file, kubeflow_file):
    schedules = on_kubeflow(kubeflow)
    page = schedules.add("weekly", "0 3 * * MON", kubeflow_file)
    assert page == f"{kubeflow.address}/#/recurringrun/details/rr-1"
    (kept,) = kubeflow.recurring.values()
    assert kept["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * MON"
    assert kept["max_concurrency"] == 1
    assert kept["no_catchup"] is True
    assert kept["service_account"] == "petseg"
    assert kept["experiment_id"] == "e-1"
    assert kept["runtime_config"]["pipeline_root"] == "gs://bucket/petseg"
    spec = json_format.ParseDict(kept["pipeline_spec"]["pipeline_spec"], kfp.PipelineSpec())
    assert set(spec.root.dag.tasks) == {"observe", *(task_name(node) for node in NODES)}


def test_vertex_keeps_a_schedule(vertex, key_file, vertex_file):
    page = on_vertex(vertex).add("weekly", "0 3 * * MON", vertex_file)
    assert page.endswith("/locations/europe-west4/schedules/1?project=pets")
    (kept,) = vertex.schedules.values()
    assert kept["cron"] == "0 3 * * MON"
    assert kept["maxConcurrentRunCount"] == "1"
    request = kept["createPipelineJobRequest"]
    assert request["parent"] == "projects/pets/locations/europe-west4"
    job = request["pipelineJob"]
    assert job["serviceAccount"] == "petseg@pets.iam.gserviceaccount.com"
    sent = json_format.ParseDict(json.loads(vertex_file.read_text())["pipelineSpec"], kfp.PipelineSpec())
    assert json_format.ParseDict(job["pipelineSpec"], kfp.PipelineSpec()) == sent


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_they_are_listed_paused_resumed_and_deleted(target, request):
    _, schedules = cluster(target, request)
    file = request.getfixturevalue(f"{target}_file")
    for name in ("weekly", "daily"):
        schedules.add(name, "0 3 * * MON", file)
    with pytest.raises(UserError, match=r"weekly .*delete it first"):
        schedules.add("weekly", "0 3 * * MON", file)
    assert states(schedules) == {"daily": "due", "weekly": "due"}
    schedules.pause("weekly")
    assert states(schedules) == {
        "daily": "due",
        "weekly": {"kubeflow": "disabled", "vertex": "paused"}[target],
    }
    schedules.resume("weekly")
    assert states(schedules) == {"daily": "due", "weekly": "due"}
    schedules.delete("weekly")
    assert states(schedules) == {"daily": "due"}
    for change in (schedules.pause, schedules.resume, schedules.delete):
        with pytest.raises(UserError, match=r"no .* weekly .*; there are: daily"):
            change("weekly")


def cluster(target, request):
    server = request.getfixturevalue(target)
    request.getfixturevalue({"kubeflow": "token_file", "vertex": "key_file"}[target])
    return server, {"kubeflow": on_kubeflow, "vertex": on_vertex}[target](server)


def states(schedules) -> dict[str, str]:
    entries = schedules.entries()
    assert {entry.cron for entry in entries} == {"0 3 * * MON"}
    return {entry.name: entry.state for entry in entries}


def test_a_deployment_of_several_users_is_asked_for_the_namespace(kubeflow, token_file, kubeflow_file):
    kubeflow.multi_user = True
    schedules = on_kubeflow(kubeflow, "runner.kubeflow.namespace=pets")
    schedules.add("weekly", "0 3 * * MON", kubeflow_file)
    assert states(schedules) == {"weekly": "due"}


@pytest.mark.parametrize(
    ("target", "path", "words"),
    [("kubeflow", RECURRING, "kubeflow-edit"), ("vertex", SCHEDULES, "roles/aiplatform.user")],
)
def test_what_is_refused_says_what_is_missing(target, path, words, request):
    server, schedules = cluster(target, request)
    server.refuses[path] = 403
    with pytest.raises(UserError, match=words):
        schedules.entries()


def test_the_commands_reach_the_cluster(kubeflow, token_file, kubeflow_file):
    on_kubeflow(kubeflow).add("weekly", "0 3 * * MON", kubeflow_file)
    where = ["--target", "kubeflow"]
    for setting in kubeflow_settings(kubeflow.address):
        where += ["--set", setting]
    paused = petseg("schedule", "pause", "weekly", *where)
    assert (paused.status, paused.stdout, paused.stderr) == (0, "weekly is paused\n", "")
    shown = petseg("schedule", "list", *where)
    assert "weekly" in shown.stdout
    assert "disabled" in shown.stdout


@pytest.mark.slow
def test_the_pipeline_is_compiled_and_scheduled(kubeflow, token_file):
    where = [part for setting in kubeflow_settings(kubeflow.address) for part in ("--set", setting)]
    made = petseg(
        "schedule", "--target", "kubeflow", "--cron", "0 3 * * 7", "--name", "weekly", *where, *COMPILED
    )
    assert made.status == 0, made.stderr
    assert made.stdout == f"{kubeflow.address}/#/recurringrun/details/rr-1\n"
    assert kubeflow.recurring["rr-1"]["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * SUN"


def test_conditions_are_for_this_machine():
    done = petseg(
        "schedule",
        "--target",
        "vertex",
        "--cron",
        "0 3 * * 1",
        "--data",
        "x",
        "--only-if",
        "drift",
        *COMPILED,
    )
    assert done.status == 2
    assert "--only-if drift" in done.stderr
