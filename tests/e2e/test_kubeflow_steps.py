"""The compiled Kubeflow pipeline, step by step as the cluster runs it, gives what a local run gives."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.nodes import NODES
from tests.conftest import TINY, petseg
from tests.e2e.kubeflow_steps import KubeflowRun, StepFailed

pytestmark = pytest.mark.slow

RUN_ID = "0f1e2d3c-aaaa-bbbb-cccc-123456789abc"


def compiled(folder: Path, data: Path, *more: str) -> Path:
    file = folder / "pipeline.yaml"
    done = petseg(
        "compile", "--target", "kubeflow", "--output", file, *TINY,
        "--set", f"data.path={data}",
        "--set", f"runner.pipeline_root={folder / 'root'}",
        "--set", f"push.directory={folder / 'serving_model'}",
        "--set", "runner.image=petseg:cpu",
        *more,
    )  # fmt: skip
    assert done.status == 0, done.stderr
    return file


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def cluster_run(cluster, sample) -> KubeflowRun:
    timeout = ["--set", "runner.nodes.Trainer.timeout_seconds=600"]
    run = KubeflowRun.of_file(compiled(cluster, sample, *timeout), cluster / "root", RUN_ID)
    run.run()
    return run


def only_version(folder: Path) -> Path:
    (version,) = [path for path in folder.iterdir() if path.name.isdigit()]
    return version


def arrays(model: Path) -> dict[str, np.ndarray]:
    found = {}

    def keep(name, node):
        if isinstance(node, h5py.Dataset) and node.dtype.kind == "f":
            found[name] = node[()]

    with h5py.File(model / "assets.extra" / "model.weights.h5") as file:
        file.visititems(keep)
    return found


def masks(model: Path, photos: list[bytes]) -> list[bytes]:
    import tensorflow as tf

    answer = tf.saved_model.load(str(model)).signatures["serving_default"](image_bytes=tf.constant(photos))
    return list(answer["mask_png"].numpy())


def test_every_step_ran(cluster_run):
    assert set(cluster_run.outputs) == set(NODES)


def test_the_pushed_model_is_the_local_runs(cluster_run, cluster, first_run):
    assert first_run.finished.status == 0, first_run.finished.stderr
    ours, theirs = only_version(cluster / "serving_model"), only_version(first_run.output / "serving_model")
    weights, expected = arrays(ours), arrays(theirs)
    assert len(expected) > 50
    assert weights.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(weights[name], values, rtol=0, atol=1e-6, err_msg=name)
    photos = [path.read_bytes() for path in sorted((first_run.data / "images").glob("*.jpg"))[:20]]
    assert len(photos) == 20
    assert masks(ours, photos) == masks(theirs, photos)


def test_the_report_carries_the_clusters_run_id(cluster_run):
    folder = Path(cluster_run.outputs["RunReport"]["report"].uri)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["blessed"] is True
    assert metrics["baseline"] is None
    assert RUN_ID in (folder / "report.html").read_text()


def test_a_later_run_looks_at_the_outside_world_anew_and_takes_the_rest_from_the_cache(cluster_run):
    later = KubeflowRun(cluster_run.spec, cluster_run.root, "same data", cluster_run.cache)
    for name in ("SegmentationExampleGen", "ImportSchemaGen", "ProductionModel", "StatisticsGen"):
        later.step(name)
    # Statistics of examples that were read anew, be they the same, are of another artifact.
    assert later.reused == {"ImportSchemaGen"}
    assert later.outputs["ImportSchemaGen"] == cluster_run.outputs["ImportSchemaGen"]
    unchanged = KubeflowRun(cluster_run.spec, cluster_run.root, "unchanged", cluster_run.cache)
    looked_at = ("SegmentationExampleGen", "ImportSchemaGen", "ProductionModel")
    unchanged.outputs = {name: cluster_run.outputs[name] for name in looked_at}
    for name in ("StatisticsGen", "ExampleValidator", "DatasetGate", "Transform"):
        unchanged.step(name)
    assert unchanged.reused == {"StatisticsGen", "ExampleValidator", "DatasetGate", "Transform"}


def test_a_later_run_finds_the_pushed_model_as_its_baseline(cluster_run, cluster):
    later = KubeflowRun(cluster_run.spec, cluster_run.root, "later", outputs=dict(cluster_run.outputs))
    production = later.step("ProductionModel")["model"]
    assert production.metadata["version"] == only_version(cluster / "serving_model").name
    evaluation = later.step("Evaluator")["evaluation"]
    result = json.loads((Path(evaluation.uri) / "evaluation.json").read_text())
    assert result["baseline"]["model"] == result["model"]


def test_a_report_is_written_where_the_engine_names_no_run(cluster_run):
    nameless = KubeflowRun(
        cluster_run.spec, cluster_run.root / "nameless", "", outputs=dict(cluster_run.outputs)
    )
    folder = Path(nameless.step("RunReport")["report"].uri)
    assert {"report.html", "metrics.json", "model_card.md", "settings.yaml"} <= {
        path.name for path in folder.iterdir()
    }


@pytest.fixture(scope="module")
def retrying(tmp_path_factory) -> Path:
    """A compiled file whose data is not there yet; its first step is tried twice, another has no time."""
    folder = tmp_path_factory.mktemp("retrying")
    retries = ["--set", "runner.nodes.SegmentationExampleGen.retries=1"]
    timeout = ["--set", "runner.nodes.ProductionModel.timeout_seconds=1"]
    return compiled(folder, folder / "pets", *retries, *timeout)


def test_a_step_that_fails_every_time_says_why(retrying, tmp_path):
    run = KubeflowRun.of_file(retrying, tmp_path / "root", RUN_ID)
    with pytest.raises(StepFailed, match=r"UserError: .*pets") as failed:
        run.step("SegmentationExampleGen")
    assert failed.value.tries == 2
    assert not run.outputs


def test_a_step_that_takes_too_long_is_ended(retrying, tmp_path):
    run = KubeflowRun.of_file(retrying, tmp_path / "root", RUN_ID)
    with pytest.raises(StepFailed) as failed:
        run.step("ProductionModel")
    assert (failed.value.tries, failed.value.status) == (1, 124)


def test_a_step_that_succeeds_when_tried_again_goes_on(retrying, sample, tmp_path):
    run = KubeflowRun.of_file(
        retrying, tmp_path / "root", RUN_ID, between_tries=lambda: arrive(sample, retrying.parent / "pets")
    )
    examples = run.step("SegmentationExampleGen")["examples"]
    assert Path(examples.uri).parent.name == "1"
    assert list(Path(examples.uri, "Split-train").iterdir())


def arrive(data: Path, place: Path) -> None:
    place.symlink_to(data, target_is_directory=True)
