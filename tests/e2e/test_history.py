"""What a run takes from earlier ones: the newest results that fit, and production as it is now."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from petseg.versions import list_versions, production_version, publish
from pipeline.sample_data import write_sample
from tests.conftest import TINY, Finished, petseg
from tests.e2e.test_local_run import newest_metrics, states
from tests.e2e.test_stopped_runs import start, wait_for

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Output:
    """An output folder in which a model was trained from a weights file, and pushed."""

    folder: Path
    data: Path
    weights: Path

    def arguments(self, *more: object) -> list[object]:
        given = ("--data", self.data, "--set", f"model.encoder_weights={self.weights}", *more)
        return ["--output", self.folder, *TINY, "--set", "evaluation.max_regression=1", *given]

    def run(self, *more: object) -> Finished:
        return petseg("run", *self.arguments(*more))

    @property
    def pushed(self) -> Path:
        return self.folder / "serving_model"

    def push_another(self, scratch: Path) -> str:
        """Somebody else pushes a model: this one with another file in it."""
        model = scratch / f"model_{len(list_versions(self.pushed))}"
        shutil.copytree(self.pushed / production_version(self.pushed), model)
        (model / "assets.extra" / "note").write_text(model.name)
        return publish(model, self.pushed)


def write_weights(file: Path, seed: int) -> None:
    keras.utils.set_random_seed(seed)
    keras.applications.MobileNetV2(input_shape=(64, 64, 3), include_top=False, weights=None).save(file)


@pytest.fixture(scope="module")
def output(sample, tmp_path_factory) -> Output:
    folder = tmp_path_factory.mktemp("history")
    write_weights(folder / "weights.h5", seed=1)
    output = Output(folder / "out", sample, folder / "weights.h5")
    done = output.run()
    assert done.status == 0, done.stdout + done.stderr
    return output


def test_from_evaluator_compares_with_the_model_that_was_pushed_meanwhile(output, tmp_path):
    version = output.push_another(tmp_path)
    done = output.run("--from", "Evaluator")
    assert done.status == 0, done.stdout + done.stderr
    assert "ProductionModel         runs: changed: the version in production" in done.stdout
    assert states(done.stdout)["Trainer"] == "reused"
    assert newest_metrics(output.folder)["baseline"] is not None
    assert int(production_version(output.pushed)) > int(version)


def test_from_with_other_settings_says_which_node_has_no_results(output):
    done = output.run("--from", "Evaluator", "--set", "trainer.epochs=3")
    assert done.status == 2, done.stdout + done.stderr
    for words in ("--from Evaluator", "Trainer has no results", "changed: trainer.epochs"):
        assert words in done.stderr
    again = output.run("--from", "Evaluator")
    assert again.status == 0, again.stdout + again.stderr
    assert "changed: trainer.epochs" not in again.stdout


def test_the_same_weights_elsewhere_are_not_trained_on_again(output, tmp_path):
    elsewhere = shutil.copy(output.weights, tmp_path / "other_name.h5")
    done = output.run("--set", f"model.encoder_weights={elsewhere}")
    assert done.status == 0, done.stdout + done.stderr
    assert states(done.stdout)["Trainer"] == "reused"


def test_a_model_that_is_pushed_during_the_run_is_not_overwritten_unseen(output, tmp_path):
    log = tmp_path / "log.txt"
    process = start(*output.arguments("--set", "trainer.seed=7"), log=log)
    wait_for(re.compile(r"^ServingCheck +runs", re.MULTILINE), log, process)
    version = output.push_another(tmp_path)
    assert process.wait(timeout=600) == 3, log.read_text()
    (refusal,) = (line for line in log.read_text().splitlines() if line.startswith("refused: push: "))
    assert f"to version {version}" in refusal
    assert "run again" in refusal
    assert production_version(output.pushed) == version
    again = output.run("--set", "trainer.seed=7")
    assert again.status == 0, again.stdout + again.stderr
    assert states(again.stdout)["Trainer"] == "reused"
    assert int(production_version(output.pushed)) > int(version)


def test_other_weights_under_the_same_name_are_trained_on(output):
    write_weights(output.weights, seed=2)
    done = output.run("--to", "Trainer")
    assert done.status == 0, done.stdout + done.stderr
    assert states(done.stdout)["Trainer"] == "done"
    assert "changed: model.encoder_weights" in done.stdout


def test_artifacts_of_a_removed_metadata_store_do_not_come_into_the_next_training(output, tmp_path):
    other = tmp_path / "other"
    write_sample(other, 40, seed=5)
    (output.folder / "metadata.db").unlink()
    arguments = ["run", *output.arguments("--data", other, "--to", "Transform")]
    refused = petseg(*arguments)
    assert refused.status == 2, refused.stdout + refused.stderr
    assert refused.stderr.count("\n") <= 2
    (command,) = re.findall(r"mv \S+ \S+", refused.stderr)
    subprocess.run(command.split(), check=True)
    done = petseg(*arguments)
    assert done.status == 0, done.stdout + done.stderr
    root = output.folder / "pipeline_root" / "Transform" / "transformed_examples"
    files = [str(file) for file in root.rglob("Split-*/*.gz")]
    transformed = sum(1 for _ in tf.data.TFRecordDataset(files, "GZIP"))
    listed = (other / "annotations" / "trainval.txt").read_text().split("\n")
    assert transformed == len([line for line in listed if line])
