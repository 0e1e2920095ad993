"""Submitting to servers on loopback that speak the clusters' HTTP APIs."""

import json

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from petseg.errors import UserError
from pipeline.nodes import NODES, task_name
from pipeline.runners.submit_pipeline import submit_pipeline
from pipeline.runners.vertex.schedules import VertexSchedules
from pipeline.settings import load_settings
from tests.conftest import petseg
from tests.pipeline.conftest import COMPILED, kubeflow_settings, public_pem, vertex_settings
from tests.pipeline.fake_clusters import TOKEN

RUNS, HEALTH = "/apis/v2beta1/runs", "/apis/v2beta1/healthz"
JOBS = "/v1/projects/pets/locations/europe-west4/pipelineJobs"


def complaint(target, settings, file) -> str:
    with pytest.raises(UserError) as caught:
        submit_pipeline(load_settings(None, settings), target, file)
    said = str(caught.value)
    assert "\n" not in said
    assert TOKEN not in said
    return said


def command_line(target: str, settings: list[str], *more: object):
    overrides = [part for setting in settings for part in ("--set", setting)]
    return petseg("submit", "--target", target, *overrides, *more)


def started_run(kubeflow) -> dict:
    (body,) = [body for method, path, body in kubeflow.received if (method, path) == ("POST", RUNS)]
    return body


def test_kubeflow_starts_the_file_as_it_is(kubeflow, token_file, kubeflow_file):
    done = command_line("kubeflow", kubeflow_settings(kubeflow.address), "--file", kubeflow_file)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == f"{kubeflow.address}/#/runs/details/r-1\n"
    run = started_run(kubeflow)
    assert run["service_account"] == "petseg"
    assert run["experiment_id"] == "e-1"
    # The API server reads the root here and nowhere else.
    assert run["runtime_config"]["pipeline_root"] == "gs://bucket/petseg"
    documents = list(yaml.safe_load_all(kubeflow_file.read_text()))
    sent = run["pipeline_spec"]
    assert sent.keys() == {"pipeline_spec", "platform_spec"}
    assert sent["platform_spec"] == documents[1]
    expected = json_format.ParseDict(documents[0], kfp.PipelineSpec())
    assert json_format.ParseDict(sent["pipeline_spec"], kfp.PipelineSpec()) == expected
    (experiment,) = [
        body for method, path, body in kubeflow.received if path.endswith("/experiments") and body
    ]
    assert experiment["display_name"] == "petseg"


def test_vertex_starts_the_file_as_it_is(vertex, key_file, vertex_file):
    done = command_line("vertex", vertex_settings(vertex.address), "--file", vertex_file)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/"
        "petseg-20260102030405?project=pets\n"
    )
    (job,) = [body for method, path, body in vertex.received if (method, path) == ("POST", JOBS)]
    assert job["serviceAccount"] == "petseg@pets.iam.gserviceaccount.com"
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/petseg"
    spec = json_format.ParseDict(job["pipelineSpec"], kfp.PipelineSpec())
    assert set(spec.root.dag.tasks) == {"observe", *(task_name(node) for node in NODES)}
    sent = json_format.ParseDict(json.loads(vertex_file.read_text())["pipelineSpec"], kfp.PipelineSpec())
    assert spec == sent


def test_vertex_is_told_of_network_and_labels(vertex, key_file, vertex_file):
    network = "projects/123/global/networks/vpc"
    settings = [
        *vertex_settings(vertex.address),
        f"runner.vertex.network={network}",
        "runner.vertex.labels={team: vision}",
    ]
    submit_pipeline(load_settings(None, settings), "vertex", vertex_file)
    VertexSchedules(load_settings(None, settings)).add("weekly", "0 3 * * MON", vertex_file)
    (job,) = [body for method, path, body in vertex.received if (method, path) == ("POST", JOBS)]
    (schedule,) = vertex.schedules.values()
    for started in (job, schedule["createPipelineJobRequest"]["pipelineJob"]):
        assert started["network"] == network
        assert started["labels"]["team"] == "vision"
        assert "tfx_version" in started["labels"]
        assert started["serviceAccount"] == "petseg@pets.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    "setting",
    ["runner.vertex.network=vpc", "runner.vertex.labels={Team: vision}", "runner.vertex.labels={a: B}"],
)
def test_a_network_or_label_that_google_refuses_is_one_line(setting):
    with pytest.raises(UserError, match=r"^runner\.vertex\.(network|labels).*received") as caught:
        load_settings(None, [setting])
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_without_a_file_the_pipeline_is_compiled_and_started(kubeflow, token_file):
    done = command_line("kubeflow", kubeflow_settings(kubeflow.address), *COMPILED)
    assert done.status == 0, done.stderr
    assert done.stdout == f"{kubeflow.address}/#/runs/details/r-1\n"
    spec = json_format.ParseDict(started_run(kubeflow)["pipeline_spec"]["pipeline_spec"], kfp.PipelineSpec())
    assert set(spec.root.dag.tasks) == {"observe", *(task_name(node) for node in NODES)}


def test_a_deployment_of_several_users_gets_the_namespace(kubeflow, token_file, kubeflow_file):
    kubeflow.multi_user = True
    said = complaint("kubeflow", kubeflow_settings(kubeflow.address), kubeflow_file)
    assert "runner.kubeflow.namespace is not set" in said
    settings = kubeflow_settings(kubeflow.address, "runner.kubeflow.namespace=pets")
    submit_pipeline(load_settings(None, settings), "kubeflow", kubeflow_file)
    (experiment,) = [
        body for method, path, body in kubeflow.received if path.endswith("/experiments") and body
    ]
    assert experiment["namespace"] == "pets"


def test_kubeflow_unreachable(token_file, kubeflow_file):
    said = complaint("kubeflow", kubeflow_settings("http://127.0.0.1:9"), kubeflow_file)
    assert "runner.kubeflow.host" in said
    assert "http://127.0.0.1:9" in said


def test_kubeflow_with_a_wrong_or_no_token(kubeflow, token_file, kubeflow_file, monkeypatch):
    token_file.write_text("stale")
    said = complaint("kubeflow", kubeflow_settings(kubeflow.address), kubeflow_file)
    assert "401" in said
    assert "KF_PIPELINES_SA_TOKEN_PATH" in said
    token_file.unlink()
    assert str(token_file) in complaint("kubeflow", kubeflow_settings(kubeflow.address), kubeflow_file)
    monkeypatch.delenv("KF_PIPELINES_SA_TOKEN_PATH")
    assert "401" in complaint("kubeflow", kubeflow_settings(kubeflow.address), kubeflow_file)
    assert kubeflow.received == []


@pytest.mark.parametrize("path", [HEALTH, RUNS])
def test_kubeflow_without_permission(kubeflow, token_file, kubeflow_file, path):
    kubeflow.refuses[path] = 403
    said = complaint("kubeflow", kubeflow_settings(kubeflow.address), kubeflow_file)
    assert "403" in said
    assert f"refused on {path}" in said
    assert "kubeflow-edit" in said


@pytest.mark.parametrize(
    ("status", "words"), [(302, "credentials"), (404, "answered 404"), (500, "answered 500")]
)
def test_other_answers_of_kubeflow_are_told(kubeflow, token_file, kubeflow_file, status, words):
    kubeflow.refuses[HEALTH] = status
    assert words in complaint("kubeflow", kubeflow_settings(kubeflow.address), kubeflow_file)


def test_vertex_unreachable(vertex, key_file, vertex_file):
    said = complaint("vertex", vertex_settings("http://127.0.0.1:9"), vertex_file)
    assert "no answer from http://127.0.0.1:9" in said


def test_sign_in_unreachable(vertex, key_file, vertex_file):
    key_file.write_text(key_file.read_text().replace(vertex.address, "http://127.0.0.1:9"))
    assert "cannot reach Google's sign-in" in complaint(
        "vertex", vertex_settings(vertex.address), vertex_file
    )


def test_vertex_with_bad_credentials(vertex, key_file, vertex_file):
    vertex.public_key = public_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    said = complaint("vertex", vertex_settings(vertex.address), vertex_file)
    assert "Invalid JWT Signature" in said
    assert "gcloud auth application-default login" in said
    key_file.write_text("{}")
    assert "no usable Google credentials" in complaint("vertex", vertex_settings(vertex.address), vertex_file)
    key_file.unlink()
    assert str(key_file) in complaint("vertex", vertex_settings(vertex.address), vertex_file)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ["credentials"]),
        (403, ["403", "roles/aiplatform.user", "project pets in europe-west4"]),
        (404, ["project pets in europe-west4", "runner.vertex"]),
        (400, ["answered 400"]),
    ],
)
def test_vertex_refuses(vertex, key_file, vertex_file, status, words):
    vertex.refuses[JOBS] = status
    said = complaint("vertex", vertex_settings(vertex.address), vertex_file)
    for word in [*words, f"refused on {JOBS}"]:
        assert word in said


@pytest.mark.parametrize(
    ("target", "settings", "words"),
    [
        ("kubeflow", [], "runner.kubeflow.host is not set"),
        ("vertex", [], "runner.vertex.project is not set"),
        ("vertex", ["runner.vertex.project=pets"], "runner.vertex.region is not set"),
    ],
)
def test_settings_that_are_missing_are_named(target, settings, words, kubeflow_file, vertex_file):
    assert words in complaint(target, settings, {"kubeflow": kubeflow_file, "vertex": vertex_file}[target])


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_file_that_is_no_compiled_pipeline_is_refused(target, tmp_path):
    file = tmp_path / "other.yaml"
    assert "cannot be read" in complaint(target, [], file)
    for content in ("[1, 2]", "{", "key: value", ""):
        file.write_text(content)
        assert f"must be a file written by `compile --target {target}`" in complaint(target, [], file)


@pytest.mark.parametrize(
    ("address", "words"),
    [("https://me:{password}@kubeflow", "no user and no password"), ("kubeflow.example.com", "https://")],
)
def test_an_address_that_holds_a_password_or_no_scheme_is_refused(address, words):
    with pytest.raises(UserError, match=r"runner\.kubeflow\.host") as caught:
        load_settings(None, [f"runner.kubeflow.host={address.format(password='s3cret')}"])
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)
