"""The Trainer's cache key follows the content of the files that it begins with, and no path."""

import json
from pathlib import Path

import pytest

from petseg.errors import UserError
from pipeline.node_properties import NodeProperties
from pipeline.paths import Observed, Paths
from pipeline.runners.local.pinned_files import pin_files
from pipeline.runners.observe_task import add_observe_task, begins_with_files
from pipeline.settings import PipelineSettings, load_settings
from tests.conftest import PETS_CONFIG


@pytest.fixture
def work(tmp_path) -> Path:
    return tmp_path / "out" / "work"


def write_file(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def settings_with(**named: Path) -> PipelineSettings:
    keys = {"weights": "model.encoder_weights", "warm_start": "trainer.warm_start"}
    return load_settings(PETS_CONFIG, [f"{keys[name]}={path}" for name, path in named.items()])


def keys_of(settings: PipelineSettings, work: Path) -> dict[str, dict]:
    """Properties of the nodes that train, as a local run gives them."""
    pinned = pin_files(settings, work)
    observed = Observed(
        encoder_weights=pinned.encoder_weights,
        warm_start_folder=pinned.warm_start,
        warm_start=pinned.warm_start_digest,
    )
    properties = NodeProperties(settings, Paths("root", "pushed", str(work)), observed)
    return {"Trainer": properties.trainer(), "Tuner": properties.tuner()}


def test_the_same_weights_elsewhere_are_no_change_and_others_under_the_same_name_are(tmp_path, work):
    file = write_file(tmp_path / "a" / "weights.h5", "one")
    before = keys_of(settings_with(weights=file), work)
    elsewhere = write_file(tmp_path / "b" / "other_name.h5", "one")
    assert keys_of(settings_with(weights=elsewhere), work) == before
    file.write_text("two")
    after = keys_of(settings_with(weights=file), work)
    assert all(after[node] != before[node] for node in before)


def test_the_same_folder_to_start_from_elsewhere_is_no_change_and_another_model_is(tmp_path, work):
    for folder in "ab":
        write_file(tmp_path / folder / "assets.extra" / "model.weights.h5", "one")
    before = keys_of(settings_with(warm_start=tmp_path / "a"), work)
    assert keys_of(settings_with(warm_start=tmp_path / "b"), work) == before
    write_file(tmp_path / "a" / "assets.extra" / "model.weights.h5", "two")
    after = keys_of(settings_with(warm_start=tmp_path / "a"), work)
    assert all(after[node] != before[node] for node in before)


def test_the_trainer_reads_the_file_through_its_name(tmp_path, work, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_file(tmp_path / "weights.h5", "one")
    write_file(tmp_path / "model" / "settings.json", "{}")
    settings = settings_with(weights=Path("weights.h5"), warm_start=Path("model"))
    training = json.loads(keys_of(settings, work)["Trainer"]["training"])
    monkeypatch.chdir("/")
    assert Path(training["model"]["encoder_weights"]).read_text() == "one"
    assert Path(training["model"]["encoder_weights"]).suffix == ".h5", "Keras looks at the ending"
    assert Path(training["trainer"]["warm_start"], "settings.json").read_text() == "{}"


def test_links_that_are_not_needed_any_more_are_removed_and_their_files_stay(tmp_path, work):
    file = write_file(tmp_path / "weights.h5", "one")
    pin_files(settings_with(weights=file), work)
    assert len(list((work / "inputs").iterdir())) == 1
    pin_files(settings_with(), work)
    assert list((work / "inputs").iterdir()) == []
    assert file.read_text() == "one"


def test_a_missing_weights_file_is_refused(tmp_path, work):
    with pytest.raises(UserError, match=r"model\.encoder_weights: there is no file .*gone\.h5"):
        pin_files(settings_with(weights=tmp_path / "gone.h5"), work)
    assert not work.exists()


def test_on_a_cluster_another_file_to_begin_with_is_another_training(tmp_path):
    """The first task reads the files, and its output is a property of Trainer."""

    def trainers_property(settings: PipelineSettings) -> dict:
        def task() -> dict:
            return {"inputs": {"parameters": {"warm_start": {}}}}

        tasks = {name: task() for name in ("SegmentationExampleGen", "ProductionModel", "Trainer")}
        spec = {"components": {}, "deploymentSpec": {"executors": {}}, "root": {"dag": {"tasks": tasks}}}
        add_observe_task(spec, settings, "/petseg/serving_model")
        return tasks["Trainer"]["inputs"]["parameters"]["warm_start"]

    observed = {"taskOutputParameter": {"producerTask": "Observe", "outputParameterKey": "training_files"}}
    for settings in (settings_with(weights=tmp_path / "weights.h5"), settings_with(warm_start=tmp_path)):
        assert begins_with_files(settings)
        assert trainers_property(settings) == observed
    assert not begins_with_files(settings_with())
    assert trainers_property(settings_with()) == {}
