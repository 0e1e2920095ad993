from types import SimpleNamespace

import pytest
from tfx.orchestration.portable import launcher
from tfx.types import standard_artifacts

from pipeline.beam_settings import BeamSettings
from pipeline.runners.local.launcher import NodeLauncher


@pytest.fixture
def launch(tmp_path, monkeypatch):
    """Starts a node's executor as TFX does; returns the launcher and the folder of its output."""

    def write(self, info):
        (tmp_path / "examples").mkdir(exist_ok=True)
        (tmp_path / "examples" / "data-00000-of-00001.gz").touch()

    monkeypatch.setattr(launcher.Launcher, "_run_executor", write)
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    info = SimpleNamespace(execution_id=7, output_dict={"examples": [examples]})
    node = NodeLauncher.__new__(NodeLauncher)

    def run(before=lambda execution_id: None):
        node.before, node.beam = before, BeamSettings()
        node._run_executor(info)
        return node, tmp_path / "examples"

    return run


def test_an_output_folder_is_empty_when_its_executor_writes(launch, tmp_path):
    (tmp_path / "examples" / "Split-train").mkdir(parents=True)
    (tmp_path / "examples" / "Split-train" / "data-00000-of-00002.gz").touch()
    node, folder = launch()
    assert [path.name for path in folder.iterdir()] == ["data-00000-of-00001.gz"]
    assert node.ran


def test_who_is_asked_before_can_stop_the_node(launch, tmp_path):
    asked = []

    def refuse(execution_id):
        asked.append(execution_id)
        raise LookupError

    (tmp_path / "examples" / "kept").mkdir(parents=True)
    with pytest.raises(LookupError):
        launch(refuse)
    assert asked == [7]
    assert (tmp_path / "examples" / "kept").is_dir()
