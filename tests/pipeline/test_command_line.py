import json
from pathlib import Path

import pytest
import yaml

from pipeline.commands.registry import COMMANDS
from tests.conftest import PROJECT, petseg
from tests.pipeline.run_folders import write_run


@pytest.mark.parametrize("command", [name.replace("_", "-") for name in COMMANDS])
def test_help_needs_neither_tfx_nor_tensorflow_and_shows_an_example(command):
    shown = petseg(command, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert shown.status == 0
    assert f"python pipeline_runner.py {command}" in " ".join(shown.stdout.split())
    imported = {
        line.split("|")[-1].strip().split(".")[0] for line in shown.stderr.splitlines() if "|" in line
    }
    assert "typer" in imported
    assert not imported & {"tensorflow", "tfx", "apache_beam", "kfp", "google"}


def test_help_lists_every_command():
    shown = petseg("--help").stdout
    assert [name for name in COMMANDS if f" {name.replace('_', '-')} " not in shown] == []


def test_every_file_of_a_command_is_registered():
    helpers = {"__init__", "options", "registry", "terminal"}
    files = {path.stem for path in (PROJECT / "pipeline/commands").glob("*.py")}
    assert files - helpers == set(COMMANDS)


def test_a_typo_in_the_settings_is_one_line_and_writes_nothing(tmp_path):
    output = tmp_path / "out"
    done = petseg("run", "--data", tmp_path, "--output", output, "--set", "trainer.epoch=3")
    assert done.status == 2
    assert done.stderr == "error: unknown setting trainer.epoch; did you mean trainer.epochs?\n"
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "no/such/folder"], ["no/such/folder"]),
        ([], ["data.path", "--data"]),
        (["--from", "Trainr"], ["--from Trainr", "did you mean Trainer?"]),
        (["--from", "Trianer"], ["--from Trianer", "did you mean Trainer?"]),
        (["--to", "Push"], ["--to Push", "Pusher"]),
        (
            ["--from", "Trainer", "--to", "Transform"],
            ["--from Trainer --to Transform", "runs before Trainer"],
        ),
    ],
)
def test_arguments_that_cannot_be_right_are_refused_before_tfx_is_imported(arguments, words, tmp_path):
    output = tmp_path / "out"
    done = petseg("run", "--output", output, *arguments)
    assert done.status == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert not output.exists()


def test_a_refused_run_is_json_for_programs(tmp_path):
    done = petseg("run", "--json", "--output", tmp_path / "out", "--data", "no/such/folder")
    assert done.status == 2
    reason = "data.path: there is no folder no/such/folder"
    assert done.stderr == f"error: {reason}\n"
    assert json.loads(done.stdout) == {
        "run_id": None,
        "status": 2,
        "verdict": "error",
        "reason": reason,
        "model": None,
        "report": None,
        "metrics": None,
        "log": None,
    }


def test_sample_data_refuses_a_folder_with_other_things(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    done = petseg("sample-data", "--output", tmp_path, "--pairs", 12)
    assert done.status == 2
    assert done.stderr.startswith("error: ")
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_every_setting_can_be_listed():
    shown = petseg("settings", "--set", "trainer.epochs=7")
    assert shown.status == 0
    assert "trainer.epochs: 7" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--nope"], ["--nope"]),
        (["rollback"], ["--output"]),
        (["sample-data", "--output", "x", "--pairs", "ten"], ["--pairs", "integer"]),
        (["bogus"], ["bogus", "the commands are run, sample-data, "]),
        (["trian"], ["trian: there is no such command; did you mean run?"]),
        (["Compre", "a", "b"], ["did you mean compare?"]),
        (["schedule", "lst"], ["did you mean list?"]),
        (["schedule", "never"], ["the commands are list, pause, "]),
    ],
)
def test_a_wrong_command_line_is_one_line(arguments, words):
    done = petseg(*arguments)
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_rollback_brings_an_older_version_back_under_a_new_number(tmp_path):
    refused = petseg("rollback", "--output", tmp_path)
    assert refused.status == 2
    assert "serving_model" in refused.stderr
    for version in ("100", "200"):
        folder = tmp_path / "serving_model" / version
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_text(f"model {version}")
    done = petseg("rollback", "--output", tmp_path, "--version", "100")
    assert done.status == 0, done.stderr
    newest = max((tmp_path / "serving_model").glob("[0-9]*"), key=lambda folder: int(folder.name))
    assert int(newest.name) > 200
    assert (newest / "saved_model.pb").read_text() == "model 100"


def test_rollback_finds_the_push_folder_of_the_newest_run_and_not_the_withdrawn_model(tmp_path):
    folder = write_run(tmp_path / "out", "20260901-101500")
    elsewhere = tmp_path / "elsewhere"
    settings = yaml.safe_load((folder / "settings.yaml").read_text()) | {
        "push": {"directory": str(elsewhere)}
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings))
    for version in ("100", "200", "300"):
        (elsewhere / version).mkdir(parents=True)
        (elsewhere / version / "saved_model.pb").write_text(f"model {version}")
    for content in ("model 200", "model 100"):
        done = petseg("rollback", "--output", tmp_path / "out")
        assert done.status == 0, done.stderr
        assert Path(done.stdout.strip(), "saved_model.pb").read_text() == content
    refused = petseg("rollback", "--output", tmp_path / "out")
    assert refused.status == 2
    assert "withdrawn" in refused.stderr
    assert "--version" in refused.stderr
