"""The first steps of the compiled pipeline, in the layouts of two releases of Kubeflow Pipelines."""

import re
from dataclasses import replace

import pytest

from tests.e2e.kubeflow_launcher import list_objects, read_object
from tests.e2e.kubeflow_runs import NEWER, OLDER, ROOTS, compiled, needs_pods, new_cluster, new_run

pytestmark = needs_pods


@pytest.fixture(scope="module")
def newer_run(tmp_path_factory, sample, s3):
    """The first steps on the newer release."""
    folder = tmp_path_factory.mktemp("kubeflow")
    file = compiled(folder / "pipeline.yaml", ROOTS[NEWER])
    run = new_run(file, new_cluster(folder, sample), NEWER)
    for name in ("observe", "import-schema-gen", "segmentation-example-gen"):
        run.step(name)
    return run


def test_a_first_step_writes_to_the_store(newer_run):
    examples = newer_run.done["segmentation-example-gen"].artifacts["examples"]
    assert examples.uri.startswith("minio://bucket/petseg/petseg/")
    splits = {name.partition("/")[0] for name in list_objects(examples.uri)}
    assert splits == {"Split-train", "Split-eval", "Split-test"}
    assert examples.properties["split_names"] == '["train", "eval", "test"]'
    report = newer_run.done["segmentation-example-gen"].artifacts["data_report"]
    assert list_objects(report.uri) == ["data_report.json"]


def test_the_last_line_says_how_a_step_ended(newer_run):
    last = newer_run.done["segmentation-example-gen"].log.splitlines()[-1]
    assert last.startswith("petseg: SegmentationExampleGen ended with exit status 0: data: 25 train, 5 eval")


def test_what_is_outside_is_observed_first(newer_run):
    observed = newer_run.done["observe"].parameters
    assert observed["production_version"] == "none"
    assert re.fullmatch("[0-9a-f]{64}", observed["fingerprint"])
    assert observed["training_files"] == ""


def test_the_next_run_reuses_what_did_not_change(newer_run):
    later = replace(newer_run, run_id="later", done={}, reused=set())
    for name in ("observe", "import-schema-gen", "segmentation-example-gen"):
        later.step(name)
    assert later.reused == {"import-schema-gen", "segmentation-example-gen"}


def test_a_step_of_the_older_release_reads_what_the_newer_wrote(newer_run):
    older = replace(newer_run, layout=OLDER, root=ROOTS[OLDER], run_id="older", reused=set())
    statistics = older.step("statistics-gen").artifacts["statistics"]
    assert statistics.uri.startswith("s3://bucket/two/five/petseg/older/statistics-gen/")
    assert read_object(f"{statistics.uri}/Split-train/FeatureStats.pb")
