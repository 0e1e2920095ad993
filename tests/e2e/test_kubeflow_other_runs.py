"""Runs on Kubeflow that do not go straight to a pushed model on a volume."""

import json

import pytest
import s3fs

from tests.e2e.kubeflow_launcher import list_objects, read_object
from tests.e2e.kubeflow_runs import (
    EPOCHS,
    EXPORTS,
    LONG_TRAINING,
    NEWER,
    ROOTS,
    TO_TRAINER,
    WORK,
    compiled,
    compiled_without_claim,
    loses_trainer,
    needs_pods,
    new_cluster,
    new_run,
)
from tests.e2e.kubeflow_steps import KubeflowRun

pytestmark = [pytest.mark.slow, needs_pods]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, sample, s3) -> KubeflowRun:
    """A run to Trainer, whose first pod is lost."""
    folder = tmp_path_factory.mktemp("lost")
    cluster = new_cluster(folder, sample)
    run = new_run(compiled(folder / "pipeline.yaml", ROOTS[NEWER], *LONG_TRAINING), cluster, NEWER)
    cluster.pod_started = loses_trainer(cluster.volume)
    for name in TO_TRAINER:
        run.step(name)
    return run


def test_a_lost_trainer_resumes_in_a_new_pod(trained):
    pods = [path.name for path in trained.cluster.folder.iterdir() if "-trainer-" in path.name]
    assert len(pods) == 2
    assert "resuming an unfinished training after epoch" in trained.done["trainer"].log
    history = json.loads(read_object(f"{trained.done['trainer'].artifacts['training_run'].uri}/history.json"))
    assert [record["epoch"] for record in history] == list(range(1, EPOCHS + 1))
    # The training has succeeded.
    assert not list((trained.cluster.volume / WORK / "checkpoints").glob("*"))


def test_a_refused_model_is_not_pushed_and_the_run_says_so(trained, tmp_path):
    more = [*LONG_TRAINING, *EXPORTS, "--set", "evaluation.floor=0.99"]
    file = compiled(tmp_path / "strict.yaml", ROOTS[NEWER], *more)
    run = new_run(file, trained.cluster, NEWER)
    run.run()
    assert run.reused >= set(TO_TRAINER) - {"observe"}
    verdicts = {task: run.done[task].parameters.get("verdict", "") for task in run.done}
    assert verdicts["evaluator"].startswith("refused: mean IoU")
    assert "below the floor 0.9900" in verdicts["evaluator"]
    # Its empty folder is nothing on the store.
    assert list_objects(run.done["exporter"].artifacts["exports"].uri) == []
    assert verdicts["pusher"] == "refused: not blessed by Evaluator"
    assert verdicts["run-report"].startswith("refused: mean IoU")
    assert not (run.cluster.volume / WORK / "serving_model").exists()


def test_without_a_claim_everything_is_on_the_store(sample, s3, tmp_path):
    store = s3fs.S3FileSystem(use_listings_cache=False)
    store.put(str(sample), "bucket/claimless/data", recursive=True)
    cluster = new_cluster(tmp_path)
    cluster.secrets = {"store": s3}
    file = compiled_without_claim(
        tmp_path / "pipeline.yaml", ROOTS[NEWER],
        "--set", "data.path=s3://bucket/claimless/data",
        "--set", "push.directory=s3://bucket/claimless/models",
        "--set", f"runner.kubeflow.secret_env={{store: [{', '.join(s3)}]}}",
        *EXPORTS,
    )  # fmt: skip
    run = new_run(file, cluster, NEWER)
    run.run()
    assert list(cluster.volume.iterdir()) == []
    verdict = run.done["pusher"].parameters["verdict"]
    version = verdict.removeprefix("pushed: blessed, pushed as version ")
    pushed = list_objects(f"s3://bucket/claimless/models/{version}")
    assert {"saved_model.pb", "assets.extra/model.weights.h5", "exports/model.onnx"} <= set(pushed)
    later = new_run(file, cluster, NEWER)
    assert later.step("observe").parameters["production_version"] == version
    assert later.step("production-model").artifacts["model"].properties["version"] == version
