"""ProductionModel's executor on folders of versions."""

import shutil
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.production_model.executor import Executor
from petseg.errors import UserError
from petseg.versions import production_version, publish


@pytest.fixture
def pushed(tmp_path) -> Path:
    return tmp_path / "serving_model"


@pytest.fixture
def fetch(tmp_path, pushed):
    def run(version: str) -> standard_artifacts.Model:
        model = standard_artifacts.Model()
        model.uri = str(tmp_path / "artifact")
        Path(model.uri).mkdir()
        Executor().Do({}, {"model": [model]}, {"directory": str(pushed), "version": version})
        return model

    return run


def push(tmp_path: Path, pushed: Path, content: str) -> str:
    model = tmp_path / content
    (model / "assets.extra").mkdir(parents=True)
    (model / "assets.extra" / "settings.json").write_text("{}")
    (model / "saved_model.pb").write_text(content)
    return publish(model, pushed)


@pytest.mark.parametrize("version", ["none", "latest"])
def test_before_the_first_push_the_artifact_is_empty(fetch, version):
    model = fetch(version)
    assert not any(Path(model.uri).iterdir())
    assert model.get_string_custom_property("version") == "none"


def test_latest_is_the_highest(fetch, tmp_path, pushed):
    push(tmp_path, pushed, "old")
    new = push(tmp_path, pushed, "new")
    model = fetch("latest")
    assert (Path(model.uri) / "Format-Serving" / "saved_model.pb").read_text() == "new"
    assert model.get_string_custom_property("version") == new


def test_the_version_named_at_the_start_is_taken(fetch, tmp_path, pushed):
    push(tmp_path, pushed, "old")
    at_the_start = production_version(pushed)
    push(tmp_path, pushed, "new")
    model = fetch(at_the_start)
    assert (Path(model.uri) / "Format-Serving" / "saved_model.pb").read_text() == "old"


def test_version_that_is_gone_is_refused(fetch, tmp_path, pushed):
    push(tmp_path, pushed, "old")
    with pytest.raises(UserError, match="is gone; run again"):
        fetch("12")


def test_a_foreign_model_is_named(fetch, tmp_path, pushed):
    version = push(tmp_path, pushed, "foreign")
    (pushed / version / "assets.extra" / "settings.json").unlink()
    for named in (version, "latest"):
        with pytest.raises(UserError, match=f"{pushed}/{version} is not a model of this pipeline"):
            fetch(named)
        shutil.rmtree(tmp_path / "artifact")
