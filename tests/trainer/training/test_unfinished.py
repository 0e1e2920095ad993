"""Which unfinished trainings are deleted and which are named."""

import logging
import os
import time
from pathlib import Path

import pytest

from trainer.training.unfinished.sweeping import register, sweep

DAY = 86400


@pytest.fixture
def output(tmp_path) -> Path:
    """An output folder with examples and three unfinished trainings."""
    for name in ("one", "two", "three"):
        (tmp_path / "examples" / name).mkdir(parents=True)
        (tmp_path / "examples" / name / "part.gz").touch()
        training = tmp_path / "work" / "checkpoints" / name
        register(str(training), [str(tmp_path / "examples" / name / "*")])
        (training / "float32").mkdir()
        (training / "float32" / "checkpoint").touch()
    return tmp_path


def swept(output: Path, caplog, resumed: str = "") -> tuple[set[str], list[str]]:
    """Names of the trainings that are left, and what was logged."""
    checkpoints = output / "work" / "checkpoints"
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="petseg"):
        sweep(str(checkpoints), resumed and str(checkpoints / resumed))
    return {path.name for path in checkpoints.iterdir()}, caplog.messages


def age(folder: Path, days: float) -> None:
    then = time.time() - days * DAY
    for file in folder.rglob("*"):
        os.utime(file, (then, then))


def test_others_are_named_in_one_line_and_kept(output, caplog):
    age(output / "work" / "checkpoints" / "two", 3.5)
    left, (line,) = swept(output, caplog, resumed="one")
    assert left == {"one", "two", "three"}
    assert f"{output}/work/checkpoints/two/float32 (3 days old)" in line
    assert f"{output}/work/checkpoints/three/float32 (a minute old)" in line
    assert "/one" not in line
    assert "trainer.warm_start=FOLDER" in line


def test_without_its_examples_a_training_is_deleted(output, caplog):
    (output / "examples" / "two" / "part.gz").unlink()
    left, (deleted, _) = swept(output, caplog)
    assert left == {"one", "three"}
    assert "two: the examples that it was trained on are gone" in deleted


def test_after_30_days_a_training_is_deleted(output, caplog):
    age(output / "work" / "checkpoints" / "one", 29.9)
    age(output / "work" / "checkpoints" / "two", 30.1)
    left, (deleted, _) = swept(output, caplog)
    assert left == {"one", "three"}
    assert "two: it is 30 days old" in deleted


def test_the_training_that_begins_is_left_alone(output, caplog):
    age(output / "work" / "checkpoints" / "two", 100)
    (output / "examples" / "two" / "part.gz").unlink()
    left, _ = swept(output, caplog, resumed="two")
    assert left == {"one", "two", "three"}


def test_examples_are_found_after_the_output_was_moved(output, tmp_path_factory, caplog):
    moved = output.rename(tmp_path_factory.mktemp("moved") / "out")
    left, _ = swept(moved, caplog)
    assert left == {"one", "two", "three"}


def test_a_training_of_an_earlier_release_is_named(output, caplog):
    (output / "work" / "checkpoints" / "two" / "training.json").unlink()
    left, (line,) = swept(output, caplog)
    assert left == {"one", "two", "three"}
    assert "checkpoints/two/float32" in line


def test_a_damaged_record_is_no_error(output, caplog):
    record = output / "work" / "checkpoints" / "two" / "training.json"
    record.write_text(record.read_text()[:9])
    left, (line,) = swept(output, caplog)
    assert left == {"one", "two", "three"}
    assert "checkpoints/two/float32" in line


def test_a_training_without_a_checkpoint_is_not_named(output, caplog):
    for name in ("one", "two", "three"):
        (output / "work" / "checkpoints" / name / "float32" / "checkpoint").unlink()
    assert swept(output, caplog)[1] == []


def test_no_folder_is_no_error(tmp_path):
    sweep(str(tmp_path / "missing"))
