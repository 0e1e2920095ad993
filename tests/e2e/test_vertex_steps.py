"""The compiled pipeline with artifacts on Google's store, as on Vertex, gives what a local run gives."""

import json
from pathlib import Path

import pytest

from petseg.files.object_store import StorePath
from pipeline.nodes import NODES, task_name
from tests.conftest import TINY, petseg
from tests.e2e.kubeflow_runs import EXPORTS, needs_pods, put_data
from tests.e2e.same_model import assert_same_model
from tests.e2e.vertex_steps import BUCKET, VertexRun

pytestmark = needs_pods

ROOT = f"gs://{BUCKET}/petseg"
TASKS = {"observe", "exporter", *(task_name(node) for node in NODES)}


@pytest.fixture(scope="module")
def run(tmp_path_factory, sample, gs) -> VertexRun:
    """A run that has not begun."""
    folder = tmp_path_factory.mktemp("vertex")
    file = folder / "pipeline.json"
    done = petseg(
        "compile", "--target", "vertex", "--output", file, *TINY, *EXPORTS,
        "--set", f"runner.pipeline_root={ROOT}",
        "--set", "runner.image=petseg:cpu",
        "--set", f"data.path=/gcs/{BUCKET}/data",
    )  # fmt: skip
    assert done.status == 0, done.stderr
    made = VertexRun.of_job(file, folder, gs)
    put_data(made.cluster.volume, sample)
    return made


def files(uri: str) -> set[str]:
    return set(StorePath(uri).files_below())


def test_a_first_step_leaves_its_artifact_on_the_store(run):
    schema = run.step("import-schema-gen").artifacts["schema"]
    assert schema.uri.startswith(f"{ROOT}/petseg/{run.run_id}/import-schema-gen/")
    assert files(schema.uri) == {"schema.pbtxt"}


@pytest.fixture(scope="module")
def whole_run(run) -> VertexRun:
    run.run()
    return run


@pytest.mark.slow
def test_every_step_ran(whole_run):
    assert set(whole_run.done) == TASKS
    assert whole_run.done["pusher"].parameters["verdict"].startswith("pushed: blessed, pushed as version")


@pytest.mark.slow
def test_the_pushed_model_is_the_local_runs(whole_run, first_run, tmp_path):
    assert first_run.finished.status == 0, first_run.finished.stderr
    version = whole_run.done["pusher"].parameters["verdict"].rpartition(" ")[2]
    StorePath(f"{ROOT}/serving_model/{version}").download(tmp_path)
    assert {path.name for path in (tmp_path / "exports").iterdir()} >= {"model.onnx", "exports.json"}
    (theirs,) = [path for path in (first_run.output / "serving_model").iterdir() if path.name.isdigit()]
    assert_same_model(tmp_path, theirs, sorted((first_run.data / "images").glob("*.jpg"))[:20])


@pytest.mark.slow
def test_what_outlives_a_step_is_in_the_mounted_bucket(whole_run):
    work = whole_run.cluster.volume / "petseg"
    assert list((work / "known_counts").glob("*.parquet"))
    assert not list((work / "checkpoints").glob("*"))


@pytest.mark.slow
def test_vertexs_pages_show_report_and_metrics(whole_run):
    report, html, metrics = (
        whole_run.done["run-report"].artifacts[key] for key in ("report", "html", "metrics")
    )
    page = StorePath(f"{report.uri}/report.html").read_text()
    assert StorePath(html.uri).read_text() == page
    native = json.loads(StorePath(f"{report.uri}/metrics.json").read_text())["native"]
    assert metrics.properties["mean_iou"] == native["mean_iou"]
    assert whole_run.done["trainer"].artifacts["model"].uri in page


@pytest.mark.slow
def test_nobody_is_shown_paths_of_a_pod(whole_run):
    for done in whole_run.done.values():
        for artifact in done.artifacts.values():
            assert "petseg_artifacts" not in json.dumps(artifact.properties)
            for name in files(artifact.uri):
                if Path(name).suffix in (".json", ".html", ".md", ".yaml"):
                    assert b"petseg_artifacts" not in StorePath(f"{artifact.uri}/{name}").read_bytes(), name
