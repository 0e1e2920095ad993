"""The arguments of `python -m trainer.worker`; tests/trainer/training/test_distribution.py trains with it."""

import json

import pytest

from tests.trainer.small_run import small_settings, start, worker_arguments


def complaint(folder, *more: str) -> str:
    """The last line of a worker that refuses its arguments."""
    arguments = worker_arguments(small_settings(), folder, folder)
    worker = start(["-m", "trainer.worker", *arguments, *more])
    said, _ = worker.communicate()
    assert worker.returncode == 2, said
    assert "Traceback" not in said
    return said.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["No such file"]),
        ("values: {}", ["is not JSON"]),
        (b"\xff", ["is not JSON"]),
        ("[1]", ['must hold {"values": {SETTING: VALUE}}']),
        (json.dumps({"space": []}), ['must hold {"values": {SETTING: VALUE}}']),
        (json.dumps({"values": {"trainr.epochs": 1}}), ["there is no setting trainr.epochs"]),
        (json.dumps({"values": {"trainer.epoch": 1}}), ["trainer.epoch", "not permitted"]),
        (json.dumps({"values": {"trainer.epochs": 0}}), ["trainer.epochs", "greater than or equal to 1"]),
    ],
)
def test_a_bad_file_of_hyperparameters_is_one_line(tmp_path, content, words):
    file = tmp_path / "best.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = complaint(tmp_path, f"--hyperparameters={file}")
    assert line.startswith(f"error: --hyperparameters {file}: ")
    for word in words:
        assert word in line


def test_bad_settings_are_one_line(tmp_path):
    assert complaint(tmp_path, '--training={"trainer": 1}').startswith("error: --training: ")


def test_the_unread_schema_is_no_argument(tmp_path):
    assert "unrecognized arguments: --schema=" in complaint(tmp_path, "--schema=")
