"""What the first task on a cluster sees of the outside world."""

import json
import shutil

import pytest

from pipeline.runners.kubeflow.observe import main
from pipeline.settings import load_settings
from tests.conftest import PETS_CONFIG


@pytest.fixture
def observed(sample, tmp_path, capsys):
    """Observes a copy of the sample; returns the output parameters and the last line."""
    data = tmp_path / "pets"
    shutil.copytree(sample, data)
    (tmp_path / "push").mkdir()

    def observe(**files: str) -> tuple[dict[str, str], str]:
        settings = load_settings(PETS_CONFIG, [f"data.path={data}"])
        watched = {
            "data": settings.data.model_dump(mode="json", by_alias=True),
            "push_directory": str(tmp_path / "push"),
            "encoder_weights": None,
            "warm_start": None,
            **files,
        }
        keys = ("fingerprint", "production_version", "training_files")
        outputs = {key: tmp_path / "outputs" / key for key in keys}
        parameters = {key: {"outputFile": str(file)} for key, file in outputs.items()}
        executor_input = {"inputs": {}, "outputs": {"parameters": parameters, "outputFile": "/tmp/unused"}}
        status = main(["--watched", json.dumps(watched), "--executor_input", json.dumps(executor_input)])
        assert status == 0
        last_line = capsys.readouterr().err.splitlines()[-1]
        return {key: file.read_text() for key, file in outputs.items()}, last_line

    observe.folder = tmp_path
    return observe


def test_changed_data_and_a_pushed_version_are_seen(observed):
    first, last_line = observed()
    assert first["production_version"] == "none"
    assert last_line == (
        "petseg: Observe ended with exit status 0: production: none, data: " + first["fingerprint"][:12]
    )
    assert observed()[0] == first
    photo = next((observed.folder / "pets/images").glob("*.jpg"))
    photo.write_bytes(photo.read_bytes() + b"\0")
    (observed.folder / "push/17").mkdir()
    (observed.folder / "push/17/saved_model.pb").touch()
    changed, _ = observed()
    assert changed["fingerprint"] != first["fingerprint"]
    assert changed["production_version"] == "17"


def test_files_to_begin_with_count_by_content(observed):
    weights = observed.folder / "weights.h5"
    weights.write_bytes(b"one")
    first, _ = observed(encoder_weights=str(weights))
    weights.rename(observed.folder / "elsewhere.h5")
    moved, _ = observed(encoder_weights=str(observed.folder / "elsewhere.h5"))
    assert moved["training_files"] == first["training_files"] != ""
    (observed.folder / "elsewhere.h5").write_bytes(b"two")
    changed, _ = observed(encoder_weights=str(observed.folder / "elsewhere.h5"))
    assert changed["training_files"] != first["training_files"]
