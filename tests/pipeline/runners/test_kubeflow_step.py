"""What a step does with what the cluster gives, before and after TFX's command."""

import copy
import hashlib
import json
import os
from pathlib import Path

import pytest

from petseg.errors import UserError
from petseg.files.object_store import StorePath
from petseg.files.originals import VARIABLE, set_originals
from pipeline.runners.kubeflow.executor_input import for_tfx
from pipeline.runners.kubeflow.executor_output import for_cluster
from pipeline.runners.kubeflow.local_copies import local_path, use_local_copies
from pipeline.runners.kubeflow.own_copies import download_inputs, own_path, upload_outputs
from pipeline.runners.kubeflow.web_outputs import report_verdict, web_outputs

EXAMPLES = {"instanceSchema": "title: tfx.Examples\n"}
REPORT = {"instanceSchema": "title: components.RunReport\n"}
SPEC = {"artifacts": {"examples": {"artifactType": EXAMPLES}}}


def listed(*artifacts: dict) -> dict:
    return {"artifacts": list(artifacts)}


@pytest.fixture
def originals(monkeypatch):
    """Whatever a test says of originals ends with it."""
    monkeypatch.setenv(VARIABLE, "{}")
    return set_originals


def test_inputs_get_the_types_of_the_spec_and_nothing_else_changes():
    untyped = {"name": "7", "uri": "gs://b/examples", "metadata": {"split_names": "[]"}}
    # As the drivers of 2.5 and 2.16 give it, and with a type of Kubeflow's own.
    drivers = {**untyped, "type": {"instanceSchema": ""}}
    foreign = {**untyped, "type": {"schemaTitle": "system.Artifact"}}
    before = {
        "inputs": {"artifacts": {"examples": listed(untyped, drivers, foreign)}},
        "outputs": {"outputFile": "/tmp/out.json"},
    }
    after = for_tfx(before, SPEC)
    typed = {**untyped, "type": EXAMPLES}
    assert after["inputs"]["artifacts"]["examples"] == listed(typed, typed, typed)
    assert after["outputs"] == {"outputFile": "/tmp/out.json"}
    assert before["inputs"]["artifacts"]["examples"] == listed(untyped, drivers, foreign)


def test_a_step_without_inputs_is_left_alone():
    before = {"inputs": {"parameterValues": {"directory": "/d"}}, "outputs": {"outputFile": "/tmp/out.json"}}
    assert for_tfx(before, {}) == before


def test_an_empty_list_of_artifacts_is_an_empty_object():
    after = for_tfx({"inputs": {"artifacts": {"examples": {}}}, "outputs": {}}, SPEC)
    assert after["inputs"]["artifacts"] == {"examples": {}}
    assert use_local_copies(after, local_path) == {}


@pytest.mark.parametrize(
    "foreign",
    [{"schemaTitle": "system.Artifact"}, {"schemaTitle": "google.VertexModel"}, {"instanceSchema": ""}, {}],
)
def test_artifacts_that_tfx_cannot_import_are_dropped(foreign):
    logs = {"uri": "minio://b/executor-logs", "type": foreign}
    report = {"uri": "minio://b/report", "type": REPORT}
    after = for_tfx(
        {
            "inputs": {"artifacts": {"examples": listed({"uri": "minio://b/e"}), "secret": listed(logs)}},
            "outputs": {
                "artifacts": {"executor-logs": listed(logs), "report": listed(report)},
                "parameters": {"verdict": {"outputFile": "/tmp/kfp/outputs/verdict"}},
            },
        },
        SPEC,
    )
    assert set(after["inputs"]["artifacts"]) == {"examples"}
    assert after["outputs"] == {"artifacts": {"report": listed(report)}}


def test_an_output_has_its_own_key_for_tfx_and_the_clusters_key_for_the_cluster():
    model_run = {"instanceSchema": "title: tfx.ModelRun\n"}
    before = {"outputs": {"artifacts": {"training_run": listed({"uri": "gs://b/run", "type": model_run})}}}
    after = for_tfx(before, SPEC)
    assert after["outputs"]["artifacts"] == {"model_run": before["outputs"]["artifacts"]["training_run"]}
    answer = for_cluster(after["outputs"], after, keep_uris=True)
    assert [*answer["artifacts"]] == ["training_run"]


@pytest.mark.parametrize(
    ("artifact", "path"),
    [
        ({"uri": "gs://b/f/a"}, "/gcs/b/f/a"),
        ({"uri": "minio://b/f/a"}, "/minio/b/f/a"),
        ({"uri": "s3://b/f/a"}, "/s3/b/f/a"),
        ({"uri": "s3://b/f/a", "customPath": "/kfp/a"}, "/kfp/a"),
    ],
)
def test_copies_are_where_the_launcher_makes_them(artifact, path):
    assert local_path(artifact) == path


def test_a_root_that_the_launcher_does_not_know_is_refused():
    with pytest.raises(UserError, match="/petseg/root/examples"):
        local_path({"uri": "/petseg/root/examples"})


def test_a_step_works_on_copies_in_folders_that_exist(tmp_path):
    def artifact(key: str) -> dict:
        return {"uri": f"minio://b/{key}", "customPath": str(tmp_path / "pod" / key)}

    (tmp_path / "pod").mkdir()
    (tmp_path / "pod" / "table").write_text("an artifact may be one file")
    executor_input = {
        "inputs": {"artifacts": {"model": listed(artifact("empty")), "table": listed(artifact("table"))}},
        "outputs": {"artifacts": {"gate": listed(artifact("below/gate"))}},
    }
    known = use_local_copies(executor_input, local_path)
    assert known == {
        str(tmp_path / "pod" / key): f"minio://b/{key}" for key in ("empty", "table", "below/gate")
    }
    assert (tmp_path / "pod/empty").is_dir()
    assert (tmp_path / "pod/below/gate").is_dir()
    gate = executor_input["outputs"]["artifacts"]["gate"]["artifacts"][0]
    assert gate["uri"] == str(tmp_path / "pod/below/gate")


def test_on_vertex_a_step_makes_its_copies_itself(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (StorePath("s3://bucket/v/model") / "Format-Serving/saved_model.pb").write_bytes(b"graph")
    given = {
        "inputs": {"artifacts": {"model": listed({"uri": "s3://bucket/v/model"}), "none": {}}},
        "outputs": {
            "artifacts": {key: listed({"uri": f"s3://bucket/v/{key}"}) for key in ("report", "html", "empty")}
        },
    }
    known = copy.deepcopy(given)
    download_inputs(known)
    paths = {uri: Path(path) for path, uri in use_local_copies(known, own_path).items()}
    assert (paths["s3://bucket/v/model"] / "Format-Serving/saved_model.pb").read_bytes() == b"graph"
    (paths["s3://bucket/v/report"] / "below").mkdir()
    (paths["s3://bucket/v/report"] / "below/report.html").write_text("a report")
    paths["s3://bucket/v/html"].rmdir()
    paths["s3://bucket/v/html"].write_text("a page")
    upload_outputs(given["outputs"])
    uploaded = StorePath("s3://bucket/v").files_below().keys() - {"model/Format-Serving/saved_model.pb"}
    assert uploaded == {"report/below/report.html", "html"}


def test_a_folder_is_its_own_copy(tmp_path):
    assert own_path({"uri": str(tmp_path)}) == str(tmp_path)


def given(metadata: dict, *, inputs: tuple[str, ...] = (), keep_uris: bool = False) -> dict:
    """What the cluster is given for an output with this metadata."""
    output = {
        "artifacts": {"blessing": listed({"name": "b", "uri": "/minio/b/blessing", "metadata": metadata})}
    }
    executor_input = {"inputs": {"artifacts": {"model": listed(*({"name": name} for name in inputs))}}}
    return for_cluster(output, executor_input, keep_uris=keep_uris)["artifacts"]["blessing"]["artifacts"][0]


def test_values_of_metadata_can_be_stored():
    stored = given(
        {"none": None, "flag": True, "number": 2.0, "text": "x", "blessed": {"eval": 1}, "names": ["a", "b"]}
    )["metadata"]
    assert stored == {
        "flag": True,
        "number": 2.0,
        "text": "x",
        "blessed": '{"eval": 1}',
        "names": '["a", "b"]',
    }
    assert "none" not in stored


def test_only_vertex_is_told_where_an_artifact_is():
    assert "uri" not in given({})
    assert given({}, keep_uris=True)["uri"] == "/minio/b/blessing"


def test_vertex_is_told_of_the_original(originals):
    originals({"/minio/b/blessing": "gs://b/blessing"})
    assert given({}, keep_uris=True)["uri"] == "gs://b/blessing"


def test_metadata_names_originals_and_ids_of_ml_metadata(originals):
    originals({"/minio/b/model": "minio://b/model"})
    tfx_id = float(int(hashlib.sha256(b"13").hexdigest(), 16) % (1 << 63))
    stored = given(
        {"current_model": "/minio/b/model", "current_model_id": tfx_id, "paths": ["/minio/b/model/x"]},
        inputs=("12", "13"),
    )["metadata"]
    assert stored == {
        "current_model": "minio://b/model",
        "current_model_id": "13",
        "paths": '["minio://b/model/x"]',
    }


def test_an_unfinished_training_does_not_depend_on_copies_of_its_examples(originals, tmp_path):
    """Another pod has no copies of these examples, and must not delete the checkpoints for that."""
    from trainer.training.unfinished.record import RECORD_FILE
    from trainer.training.unfinished.sweeping import register, sweep

    originals({"/minio/b/examples": "minio://b/examples"})
    folder = tmp_path / "checkpoints" / "identity"
    folder.mkdir(parents=True)
    register(str(folder), ["/minio/b/examples/Split-train/*.gz"])
    assert json.loads((folder / RECORD_FILE).read_text()) == {"examples": []}
    sweep(str(tmp_path / "checkpoints"))
    assert folder.is_dir()


def test_processes_of_a_node_know_the_originals(originals):
    originals({"/s3/b/model": "s3://b/model"})
    assert json.loads(os.environ[VARIABLE]) == {"/s3/b/model": "s3://b/model"}
    assert Path("/s3/b/model").exists() is False


def test_the_clusters_pages_get_one_object_and_numbers(tmp_path):
    """On Vertex, where artifacts have URIs that TensorFlow writes to."""
    report = tmp_path / "report"
    report.mkdir()
    (report / "report.html").write_text("<p>a report</p>")
    native = {"mean_iou": 0.5, "pixel_accuracy": None, "iou": {"traffic light": 0.25}}
    (report / "metrics.json").write_text(
        json.dumps({"native": native, "blessed": False, "reason": "too low"})
    )
    own = {"artifacts": {"report": listed({"uri": str(report)})}}
    added = {
        "artifacts": {
            **own["artifacts"],
            "html": listed({"uri": str(tmp_path / "run" / "html")}),
            "metrics": listed({"uri": str(tmp_path / "run" / "metrics")}),
        }
    }
    filled = web_outputs(added, own, lambda artifact: artifact["uri"])
    assert (tmp_path / "run" / "html").read_text() == "<p>a report</p>"
    assert filled == {
        "html": listed({"metadata": {}}),
        "metrics": listed({"metadata": {"mean_iou": 0.5, "iou_traffic light": 0.25}}),
    }
    assert report_verdict(own) == "refused: too low"
