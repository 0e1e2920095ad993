"""The compiled pipeline under Kubeflow Pipelines' own driver and launcher gives what a local run gives."""

import json
import re
import shutil
import signal
import sys

import pytest
import s3fs

from pipeline.nodes import NODES, task_name
from tests.e2e.kfp_binaries import BINARIES, PodFailed, WorkflowRun
from tests.e2e.kfp_services import kfp_services
from tests.e2e.kubeflow_launcher import list_objects
from tests.e2e.kubeflow_runs import (
    EPOCHS,
    EXPORTS,
    LONG_TRAINING,
    TO_TRAINER,
    WORK,
    compiled,
    compiled_without_claim,
    loses_trainer,
    needs_pods,
)
from tests.e2e.same_model import assert_same_model, only_version

pytestmark = [
    pytest.mark.slow,
    needs_pods,
    pytest.mark.skipif(
        sys.version_info >= (3, 11),
        reason="the driver asks ML Metadata with filters, which its package knows on Python 3.10 only",
    ),
    pytest.mark.skipif(
        not BINARIES,
        reason="PETSEG_KFP_BINARIES names no folder with driver, launcher-v2 and compile-product",
    ),
]

ROOT = "minio://bucket/petseg"
TRAINER = ["--set", "runner.nodes.Trainer={timeout_seconds: 900, retries: 1}"]
"""Of all runs that share a training: the time is a part of the command, which the cache compares."""

TASKS = {"observe", *(task_name(node) for node in NODES)}


@pytest.fixture(scope="module")
def services(tmp_path_factory, s3):
    """What the programs call on the cluster; all runs share it."""
    with kfp_services(tmp_path_factory.mktemp("services") / "services", s3["AWS_ENDPOINT_URL"]) as services:
        yield services


@pytest.fixture(scope="module")
def new_run(tmp_path_factory, sample, services):
    """Makes runs with the data on one volume."""
    folder = tmp_path_factory.mktemp("cluster")
    volume = folder / "volume"
    shutil.copytree(sample, volume / "data")

    def make(name: str, *more: str) -> WorkflowRun:
        file = compiled(folder / f"{name}.yaml", ROOT, *more)
        return WorkflowRun(file, ROOT, services, folder / "pods", volume)

    return make


@pytest.fixture(scope="module")
def whole_run(new_run) -> WorkflowRun:
    run = new_run("whole", *TRAINER)
    run.run()
    return run


def test_every_step_ran(whole_run):
    ran = {pod.task for pod in whole_run.pods if pod.task.endswith("/executor")}
    assert ran == {f"root/{task}/executor" for task in TASKS}
    assert whole_run.cached == set()
    assert all(pod.status == 0 for pod in whole_run.pods)


def test_the_pushed_model_is_the_local_runs(whole_run, first_run):
    assert first_run.finished.status == 0, first_run.finished.stderr
    ours = only_version(whole_run.volume / WORK / "serving_model")
    theirs = only_version(first_run.output / "serving_model")
    assert_same_model(ours, theirs, sorted((first_run.data / "images").glob("*.jpg"))[:20])


def test_the_last_line_of_a_step_says_how_it_ended(whole_run):
    assert "petseg: RunReport ended with exit status 0: blessed" in whole_run.log_of("run-report")


def test_a_second_run_reuses_what_depends_on_nothing_outside(whole_run, new_run):
    second = new_run("second")
    second.run({"import-schema-gen"})
    assert second.cached == {"import-schema-gen"}
    assert [pod.task for pod in second.pods] == ["root-driver", "root/import-schema-gen-driver"]


def test_a_refused_model_is_not_pushed(whole_run, new_run):
    run = new_run("refused", *TRAINER, *EXPORTS, "--set", "evaluation.floor=0.99")
    run.run()
    assert run.cached >= {"segmentation-example-gen", "transform", "trainer"}
    assert all(pod.status == 0 for pod in run.pods)
    assert "petseg: Evaluator ended with exit status 0: refused: mean IoU" in run.log_of("evaluator")
    assert "petseg: Pusher ended with exit status 0: refused: not blessed" in run.log_of("pusher")
    # The first run's.
    only_version(run.volume / WORK / "serving_model")


def test_a_failing_step_is_tried_again_and_says_why(new_run):
    run = new_run(
        "failing",
        "--set", "data.path=/petseg/nothing",
        "--set", "runner.nodes.SegmentationExampleGen.retries=1",
    )  # fmt: skip
    with pytest.raises(PodFailed, match=r"root/segmentation-example-gen/executor ended with 1"):
        run.run({"observe", "segmentation-example-gen"})
    assert [pod.status for pod in run.pods if pod.task.endswith("/executor")] == [0, 1, 1]
    said = run.log_of("segmentation-example-gen")
    assert "petseg: SegmentationExampleGen ended with exit status 2: " in said
    assert "/petseg/nothing" in said


def test_a_lost_trainer_resumes_in_a_new_pod(new_run):
    run = new_run("lost", *LONG_TRAINING)
    run.pod_started = loses_trainer(run.volume)
    run.run(set(TO_TRAINER))
    assert [pod.status for pod in run.pods_of("trainer")] == [-signal.SIGKILL, 0]
    assert "resuming an unfinished training after epoch" in run.log_of("trainer")
    store = s3fs.S3FileSystem(use_listings_cache=False)
    (history,) = store.glob(f"bucket/petseg/petseg/{run.run_id}/trainer/*/training_run/history.json")
    assert [record["epoch"] for record in json.loads(store.cat(history))] == list(range(1, EPOCHS + 1))
    # The training has succeeded.
    assert not list((run.volume / WORK / "checkpoints").glob("*"))


def test_without_a_claim_everything_is_on_the_store(services, sample, s3, tmp_path):
    store = s3fs.S3FileSystem(use_listings_cache=False)
    store.put(str(sample), "bucket/claimless/data", recursive=True)
    file = compiled_without_claim(
        tmp_path / "pipeline.yaml", ROOT,
        "--set", "data.path=s3://bucket/claimless/data",
        "--set", "push.directory=s3://bucket/claimless/models",
        "--set", f"runner.kubeflow.secret_env={{store: [{', '.join(s3)}]}}",
        *EXPORTS,
    )  # fmt: skip
    volume = tmp_path / "volume"
    volume.mkdir()
    run = WorkflowRun(file, ROOT, services, tmp_path / "pods", volume, secrets={"store": s3})
    run.run()
    assert all(pod.status == 0 for pod in run.pods)
    assert list(volume.iterdir()) == []
    version = re.search(r"pushed: blessed, pushed as version (\d+)", run.log_of("pusher"))[1]
    pushed = list_objects(f"s3://bucket/claimless/models/{version}")
    assert {"saved_model.pb", "assets.extra/model.weights.h5", "exports/model.onnx"} <= set(pushed)
    later = WorkflowRun(file, ROOT, services, tmp_path / "pods", volume, secrets={"store": s3})
    later.run({"observe"})
    assert f"production: {version}" in later.log_of("observe")
