"""Configs that extend others: what is merged, where files are looked for, and what is refused."""

from pathlib import Path

import pytest

from petseg.errors import UserError
from pipeline.config_file import read_config
from pipeline.schema_text import schema_text
from pipeline.settings import load_settings
from tests.conftest import PETS_CONFIG


def write(folder: Path, **files: str) -> Path:
    """Writes each text as NAME.yaml; returns the last one's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{name}.yaml"


def test_mappings_are_merged_and_the_extending_file_wins(tmp_path):
    write(
        tmp_path / "base",
        grand="a: 1\nb: {c: 1, d: [1, 2]}\n",
        parent="extends: grand.yaml\nb: {c: 2}\ne: {f: 1}\n",
    )
    config = write(tmp_path, child="extends: base/parent.yaml\nb: {d: [3]}\ne: null\n")
    assert read_config(config) == {"a": 1, "b": {"c": 2, "d": [3]}, "e": None}


def test_config_dir_is_the_folder_of_the_file_that_names_it(tmp_path):
    write(tmp_path / "base", parent="here: ['${config_dir}/x']\n")
    config = write(tmp_path, child="extends: base/parent.yaml\nthere: ${config_dir}\n")
    assert read_config(config) == {"here": [f"{tmp_path}/base/x"], "there": str(tmp_path)}


def test_a_config_of_ones_own_takes_the_pets_from_any_folder(tmp_path, monkeypatch):
    config = write(tmp_path, mine=f"extends: {PETS_CONFIG}\ntrainer: {{epochs: 3}}\n")
    monkeypatch.chdir(tmp_path)
    settings = load_settings(config, ["data.sized_class=border"])
    assert (settings.trainer.epochs, settings.data.sized_class) == (3, "border")
    assert "Abyssinian" in schema_text(settings.data)
    assert "extends" not in settings.to_yaml()


def test_a_relative_schema_is_looked_up_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "mine.pbtxt").write_text('feature { name: "image/height" type: INT }')
    monkeypatch.chdir(tmp_path)
    assert "image/height" in schema_text(load_settings(None, ["data.schema=mine.pbtxt"]).data)
    with pytest.raises(UserError, match=r"data\.schema: gone\.pbtxt does not exist"):
        schema_text(load_settings(None, ["data.schema=gone.pbtxt"]).data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: pats.yaml", "pats.yaml does not exist; did you mean .*pets.yaml"),
        ("extends: mine.yaml", "mine.yaml` makes a cycle"),
        ("extends: other.yaml", "mine.yaml` makes a cycle"),
        ("extends: [pets.yaml]", r"extends must be the path of one YAML file; received \['pets.yaml'\]"),
        ("extends: broken.yaml", "broken.yaml is not valid YAML"),
        ("extends: text.yaml", "text.yaml must hold keys and values; received str"),
    ],
)
def test_what_cannot_be_extended_is_one_line(tmp_path, text, words):
    write(tmp_path, pets="a: 1\n", other="extends: mine.yaml\n", broken="a: [\n", text="hello\n")
    with pytest.raises(UserError, match=words) as caught:
        read_config(write(tmp_path, mine=text))
    assert "\n" not in str(caught.value)
