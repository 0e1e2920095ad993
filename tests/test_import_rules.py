"""The rules of imports in pyproject.toml: they hold, and each one fails `make lint` when it is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PACKAGES = ("petseg", "trainer", "components", "pipeline")


def lint_command() -> list[str]:
    """The command that `make lint` ends with."""
    (line,) = (
        line for line in (PROJECT / "Makefile").read_text().splitlines() if "/bin/lint-imports" in line
    )
    _, *options = line.split()
    return [str(Path(sys.executable).with_name("lint-imports")), *options]


@pytest.fixture
def copy(tmp_path) -> Path:
    """The packages and their rules, to be changed."""
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        lint_command(), cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_no_import_breaks_a_rule():
    done = lint(PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("petseg/errors.py", "import trainer.settings"),
        ("petseg/errors.py", "from tfx import v1"),
        ("trainer/settings.py", "import components.evaluator.settings"),
        ("trainer/models/__init__.py", "import pipeline.nodes"),
        ("components/pusher/executor.py", "import pipeline.nodes"),
        ("components/pusher/executor.py", "import components.evaluator.settings"),
        ("components/serving_check/executor.py", "import trainer.models"),
        ("components/evaluator/settings.py", "import tensorflow"),
        ("trainer/data/augmentation/settings.py", "import keras"),
        ("pipeline/commands/schedule.py", "import tfx"),
    ],
)
def test_an_import_that_breaks_a_rule_fails_the_lint(copy, module, line):
    changed = copy / module
    changed.write_text(f"{changed.read_text()}\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert module.removesuffix(".py").removesuffix("/__init__").replace("/", ".") in done.stdout
