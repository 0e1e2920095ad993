"""The compiled pipeline under what Kubeflow's driver and launcher do gives what a local run gives."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import s3fs

from pipeline.nodes import NODES, task_name
from tests.e2e.kubeflow_driver import NAMESPACE_ROOT, Stored
from tests.e2e.kubeflow_launcher import list_objects, read_object
from tests.e2e.kubeflow_runs import (
    NEWER,
    OLDER,
    ROOTS,
    WORK,
    compiled,
    needs_pods,
    new_cluster,
    new_run,
    put_data,
)
from tests.e2e.kubeflow_steps import KubeflowRun, Refused, StepFailed
from tests.e2e.same_model import assert_same_model, only_version

pytestmark = [pytest.mark.slow, needs_pods]

TASKS = {"observe", *(task_name(node) for node in NODES)}

REUSED_NEXT_TIME = {
    "import-schema-gen",
    "segmentation-example-gen",
    "statistics-gen",
    "example-validator",
    "transform",
    "trainer",
    "serving-check",
}
"""Tasks of a second unchanged run that the cache answers. The others see the model that was pushed."""


@pytest.fixture(scope="module", params=[NEWER, OLDER])
def cluster_run(request, tmp_path_factory, sample, s3) -> KubeflowRun:
    """A whole run on a release of Kubeflow Pipelines."""
    folder = tmp_path_factory.mktemp("cluster")
    timeout = ["--set", "runner.nodes.Trainer={timeout_seconds: 600, retries: 1}"]
    file = compiled(folder / "pipeline.yaml", ROOTS[request.param], *timeout)
    run = new_run(file, new_cluster(folder, sample), request.param)
    run.run()
    return run


def output(run: KubeflowRun, task: str, key: str) -> Stored:
    return run.done[task].artifacts[key]


def content(artifact: Stored, name: str) -> bytes:
    return read_object(f"{artifact.uri}/{name}")


def work(run: KubeflowRun) -> Path:
    """The work folder on the claimed volume, as this process sees it."""
    return run.cluster.volume / WORK


def test_every_step_ran(cluster_run):
    assert set(cluster_run.done) == TASKS


def test_the_pushed_model_is_the_local_runs(cluster_run, first_run):
    assert first_run.finished.status == 0, first_run.finished.stderr
    ours = only_version(work(cluster_run) / "serving_model")
    theirs = only_version(first_run.output / "serving_model")
    assert_same_model(ours, theirs, sorted((first_run.data / "images").glob("*.jpg"))[:20])


def test_what_outlives_a_step_is_on_the_volume(cluster_run):
    assert {path.name for path in work(cluster_run).iterdir()} >= {"known_counts", "serving_model"}
    assert list((work(cluster_run) / "known_counts").glob("*.parquet"))
    # The training has succeeded.
    assert not list((work(cluster_run) / "checkpoints").glob("*"))


def test_the_report_carries_the_clusters_run_id(cluster_run):
    report = output(cluster_run, "run-report", "report")
    metrics = json.loads(content(report, "metrics.json"))
    assert metrics["blessed"] is True
    assert metrics["baseline"] is None
    assert cluster_run.run_id in content(report, "report.html").decode()


def test_the_clusters_pages_show_report_and_metrics(cluster_run):
    """Kubeflow reads one object at the URI of a system.HTML, and the metadata of a system.Metrics."""
    report = output(cluster_run, "run-report", "report")
    assert read_object(output(cluster_run, "run-report", "html").uri) == content(report, "report.html")
    native = json.loads(content(report, "metrics.json"))["native"]
    shown = output(cluster_run, "run-report", "metrics").properties
    assert shown["mean_iou"] == native["mean_iou"]
    assert shown["pixel_accuracy"] == native["pixel_accuracy"]
    assert {name: shown[f"iou_{name}"] for name in native["iou"]} == native["iou"]


def test_verdicts_are_outputs_and_last_lines(cluster_run):
    expected = {
        "evaluator": "blessed: mean IoU",
        "serving-check": "serving check: passed",
        "pusher": "pushed: blessed, pushed as version",
        "run-report": "blessed: mean IoU",
    }
    for task, words in expected.items():
        done = cluster_run.done[task]
        assert done.parameters["verdict"].startswith(words)
        assert done.log.splitlines()[-1].endswith(f"ended with exit status 0: {done.parameters['verdict']}")


def test_nobody_is_shown_paths_of_a_pod(cluster_run):
    """Files and metadata name the artifacts on the store, by ids of ML Metadata."""
    blessing = output(cluster_run, "evaluator", "blessing").properties
    model = output(cluster_run, "trainer", "model")
    assert blessing["current_model"] == model.uri
    assert blessing["current_model_id"] == str(model.id)
    assert model.uri in content(output(cluster_run, "run-report", "report"), "report.html").decode()
    assert model.uri in content(output(cluster_run, "evaluator", "evaluation"), "eval_config.json").decode()
    for done in cluster_run.done.values():
        for artifact in done.artifacts.values():
            assert "/minio/" not in json.dumps(artifact.properties)
            assert "/s3/" not in json.dumps(artifact.properties)
            for name in list_objects(artifact.uri):
                if name.endswith((".json", ".html", ".md", ".yaml")):
                    text = content(artifact, name)
                    assert b"/minio/bucket" not in text, name
                    assert b"/s3/bucket" not in text, name


@pytest.fixture(scope="module")
def second_run(cluster_run) -> KubeflowRun:
    """The same again, when nothing has changed but production."""
    if cluster_run.layout == OLDER:
        pytest.skip("caches of the two releases are alike")
    run = replace(cluster_run, run_id="second", done={}, reused=set())
    run.run()
    return run


def test_an_unchanged_run_trains_nothing_and_pushes_nothing(second_run):
    assert second_run.reused == REUSED_NEXT_TIME
    version = only_version(work(second_run) / "serving_model").name
    verdict = second_run.done["pusher"].parameters["verdict"]
    assert verdict == f"not pushed: already in production as version {version}"


def test_a_later_run_finds_the_pushed_model_as_its_baseline(second_run):
    production = output(second_run, "production-model", "model")
    assert production.properties["version"] == only_version(work(second_run) / "serving_model").name
    result = json.loads(content(output(second_run, "evaluator", "evaluation"), "evaluation.json"))
    assert result["baseline"]["model"] == result["model"]


def test_a_third_run_reuses_what_saw_production(second_run):
    third = replace(second_run, run_id="third", done={}, reused=set())
    for name in ("observe", *sorted(REUSED_NEXT_TIME & {"import-schema-gen", "segmentation-example-gen"})):
        third.step(name)
    for name in ("statistics-gen", "example-validator", "production-model", "dataset-gate"):
        third.step(name)
    assert {"production-model", "dataset-gate"} <= third.reused


@pytest.fixture(scope="module")
def retrying(tmp_path_factory) -> Path:
    """A compiled file whose data is not there yet; its first step is tried twice, another has no time."""
    retries = ["--set", "runner.nodes.SegmentationExampleGen.retries=1"]
    timeout = ["--set", "runner.nodes.ProductionModel.timeout_seconds=1"]
    folder = tmp_path_factory.mktemp("retrying")
    return compiled(folder / "pipeline.yaml", ROOTS[NEWER], *retries, *timeout)


@pytest.mark.parametrize("layout", [NEWER, OLDER])
def test_a_step_that_fails_every_time_says_why(retrying, s3, tmp_path, layout):
    run = new_run(retrying, new_cluster(tmp_path), layout)
    run.step("observe")
    with pytest.raises(StepFailed, match=r"UserError: .*/petseg/data") as failed:
        run.step("segmentation-example-gen")
    assert (failed.value.tries, failed.value.status) == (2, 2)
    last = str(failed.value).splitlines()[-1]
    assert last.startswith("petseg: SegmentationExampleGen ended with exit status 2: data.path: there is no")
    assert set(run.done) == {"observe"}


def test_a_step_that_takes_too_long_is_ended(retrying, s3, tmp_path):
    run = new_run(retrying, new_cluster(tmp_path), NEWER)
    run.step("observe")
    with pytest.raises(StepFailed) as failed:
        run.step("production-model")
    assert (failed.value.tries, failed.value.status) == (1, 124)
    last = str(failed.value).splitlines()[-1]
    assert last.startswith("petseg: ProductionModel ended with exit status 143: stopped: timeout_seconds")


def test_a_step_that_succeeds_when_tried_again_goes_on(retrying, sample, s3, tmp_path):
    cluster = new_cluster(tmp_path)
    run = replace(new_run(retrying, cluster, NEWER), between_tries=lambda: put_data(cluster.volume, sample))
    run.step("observe")
    examples = run.step("segmentation-example-gen").artifacts["examples"]
    assert any(name.startswith("Split-train/") for name in list_objects(examples.uri))


@pytest.mark.parametrize("root", [None, "gs://bucket/petseg"])
def test_the_namespaces_own_root_and_googles_store_work_too(retrying, s3, tmp_path, root):
    """The client gives no root for the namespace's own; the launcher's copies are below /gcs for Google's."""
    s3fs.S3FileSystem(use_listings_cache=False).makedirs("mlpipeline", exist_ok=True)
    run = replace(new_run(retrying, new_cluster(tmp_path), NEWER), root=root)
    schema = run.step("import-schema-gen").artifacts["schema"]
    assert schema.uri.startswith(f"{root or NAMESPACE_ROOT}/petseg/{run.run_id}/import-schema-gen/")
    assert list_objects(schema.uri) == ["schema.pbtxt"]


def test_tasks_and_policies_of_the_last_release_are_refused(retrying, s3, tmp_path):
    """What this harness would have said of them; and of a root that is no store."""
    run = new_run(retrying, new_cluster(tmp_path), NEWER)
    task = run.spec.root.dag.tasks["segmentation-example-gen"]
    run.spec.root.dag.tasks["SegmentationExampleGen"].CopyFrom(task)
    with pytest.raises(Refused, match="lower case"):
        replace(run, layout=OLDER).check_retries("SegmentationExampleGen")
    with pytest.raises(Refused, match="unsupported storage scheme"):
        replace(run, root="/petseg/pipeline_root").step("import-schema-gen")
    task.retry_policy.ClearField("backoff_max_duration")
    with pytest.raises(Refused, match="Max duration limit exceeded"):
        run.check_retries("segmentation-example-gen")
