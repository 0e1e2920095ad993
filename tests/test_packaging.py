"""What a person or a machine needs before the first import: lock, setup scripts, metadata, CI."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
LOCK = (REPOSITORY / "requirements.lock").read_text()
CHOOSE_PYTHON = REPOSITORY / "scripts" / "choose_python.sh"


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_markers():
    """Name to the markers of its pins, one for each line of the lock."""
    markers = {}
    for name, marker in re.findall(r"^([A-Za-z0-9._-]+)==\S+ *;? *(.*?) *\\?$", LOCK, re.MULTILINE):
        markers.setdefault(normalised(name), []).append(marker)
    return markers


def declared_requirements():
    """Dependencies and all extras."""
    text = (REPOSITORY / "pyproject.toml").read_text()
    blocks = re.findall(r"^[a-z0-9-]+ = \[(.*?)\]$", text[: text.index("\n[tool.")], re.MULTILINE | re.DOTALL)
    return [
        requirement for block in blocks for requirement in re.findall(r'^ *"([^"]+)"', block, re.MULTILINE)
    ]


def choose_python(*arguments, **environment):
    return subprocess.run(
        [CHOOSE_PYTHON, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )


def write_fake_python(folder, description):
    """A program that answers choose_python.sh's question as some Python would."""
    folder.mkdir(exist_ok=True)
    program = folder / "python3.10"
    program.write_text(f"#!/bin/sh\necho {description}\n")
    program.chmod(0o755)
    return program


def one_error(result):
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


class TestLock:
    def test_names_no_index_and_no_place(self):
        assert not re.search(r"(https?|file|git)[+:]| @ |^-", LOCK, re.MULTILINE)

    def test_holds_every_declared_dependency(self):
        names = {normalised(re.match(r"[A-Za-z0-9._-]+", line).group()) for line in declared_requirements()}
        assert len(names) > 20
        assert names <= set(locked_markers())

    def test_every_pin_has_a_hash(self):
        pins = re.findall(r"^\S+==.*?(?=^\S|\Z)", LOCK, re.MULTILINE | re.DOTALL)
        assert len(pins) > 200
        assert all("--hash=sha256:" in pin for pin in pins)

    def test_holds_both_stacks(self):
        markers = locked_markers()["tfx"]
        assert len(markers) == 2
        assert any("< '3.11'" in marker for marker in markers)
        assert any(">= '3.11'" in marker for marker in markers)


@pytest.mark.skipif(shutil.which("g++") is None, reason="asks for g++ first")
class TestChoosePython:
    def test_missing_headers_name_the_package(self, tmp_path):
        fake = write_fake_python(tmp_path, "3.10 no /usr/bin/python3.10")
        error = one_error(choose_python(fake))
        assert "Python.h" in error
        assert "python3.10-dev" in error

    def test_wrong_version_says_which_are_right(self, tmp_path):
        fake = write_fake_python(tmp_path, "3.9 yes /usr/bin/python3.9")
        assert "must be 3.10 to 3.13. Received instead: 3.9" in one_error(choose_python(fake))

    def test_a_python_that_does_not_run(self, tmp_path):
        assert "no Python that runs" in one_error(choose_python(tmp_path / "absent"))

    def test_missing_compiler_names_the_package(self):
        assert "apt-get install" in one_error(choose_python(CXX="no-such-compiler"))

    def test_prints_the_interpreter_itself(self, tmp_path):
        fake = write_fake_python(tmp_path, "3.10 yes '/opt/my python/bin/python3.10'")
        assert choose_python(fake).stdout == "/opt/my python/bin/python3.10\n"

    def test_passes_over_shims_that_fail(self, tmp_path):
        broken = write_fake_python(tmp_path / "shims", "nothing >&2; exit 127")
        versions = tmp_path / "pyenv" / "versions" / "3.10.7" / "bin"
        versions.mkdir(parents=True)
        write_fake_python(versions, "3.10 yes /found").rename(versions / "python")
        found = choose_python(
            PATH=f"{broken.parent}:/usr/bin:/bin", PYENV_ROOT=str(tmp_path / "pyenv"), PYTHON_VERSIONS="3.10"
        )
        assert found.returncode == 0, found.stderr


@pytest.fixture
def environment(tmp_path):
    """A finished environment with the extras app and s3, whose python and uv only log how they are called."""
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").touch()
    for name in ("python", "uv"):
        program = environment / "bin" / name
        program.write_text(
            f'#!/bin/sh\necho {name} "$@" >>{environment}/calls\nexit ${{STATUS_OF_{name}:-0}}\n'
        )
        program.chmod(0o755)
    lock_hash = hashlib.sha256((REPOSITORY / "requirements.lock").read_bytes()).hexdigest()
    (environment / ".petseg-setup").write_text(f"{lock_hash}\n{environment}\n/usr/bin/python\napp s3\n")
    return environment


def set_up(environment, extras, **variables):
    """Calls scripts/setup.sh; returns how it ended, and the calls of the environment's python and uv."""
    result = subprocess.run(
        [REPOSITORY / "scripts" / "setup.sh"],
        capture_output=True,
        text=True,
        env={**os.environ, "VENV": str(environment), "EXTRAS": extras, "PYTHON": "", **variables},
        timeout=60,
    )
    calls = environment / "calls"
    return result, calls.read_text() if calls.exists() else ""


def extras_of(environment):
    return (environment / ".petseg-setup").read_text().split("\n")[3]


class TestSetup:
    def test_an_environment_with_more_extras_is_left_as_it_is(self, environment):
        result, calls = set_up(environment, "app")
        assert result.returncode == 0, result.stderr
        assert "install" not in calls

    def test_new_extras_are_added_to_those_that_are_there(self, environment):
        result, calls = set_up(environment, "docs app")
        assert result.returncode == 0, result.stderr
        assert "--extra app --extra docs --extra s3 --constraint requirements.lock" in calls
        assert "uninstall" not in calls
        assert extras_of(environment) == "app docs s3"

    def test_without_uv_pip_installs_every_extra(self, environment):
        result, calls = set_up(environment, "docs", STATUS_OF_uv="1")
        assert result.returncode == 0, result.stderr
        assert "python -m pip install" in calls.splitlines()[-1]
        assert {"app", "docs", "lint", "s3", "test"} <= set(extras_of(environment).split())

    def test_what_cannot_be_installed_leaves_the_environment_valid(self, environment):
        broken = environment / "bin" / "python"
        broken.write_text(
            broken.read_text().replace("exit", 'case "$*" in *requirements.lock) exit 1 ;; esac\nexit')
        )
        result, _ = set_up(environment, "docs", STATUS_OF_uv="1")
        assert result.returncode == 1
        assert "error: the packages could not be installed" in result.stderr
        assert extras_of(environment) == "app s3"

    def test_an_unknown_extra_is_named(self, environment):
        result, _ = set_up(environment, "apps")
        assert "no extra apps; it has app" in one_error(result)


def test_setup_py_knows_the_metadata():
    shown = subprocess.run(
        [sys.executable, "setup.py", "--name", "--version"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split()[:2] == ["petseg", "0.2.0"]


def test_every_package_is_shipped():
    from setuptools import find_packages

    shipped = find_packages(REPOSITORY, include=["pipeline*", "components*", "trainer*"])
    folders = {
        str(path.parent.relative_to(REPOSITORY)).replace("/", ".")
        for top in ("pipeline", "components", "trainer")
        for path in (REPOSITORY / top).rglob("*.py")
    }
    assert folders <= set(shipped), "folders with modules but without __init__.py"


def test_ci_runs_what_people_run():
    run = (REPOSITORY / ".ci" / "run").read_text()
    assert re.findall(r"^make .*$", run, re.MULTILINE) == ["make lint", "make test"]
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text()
    assert re.findall(r"- run: (make \w+)", workflow) == [
        "make setup",
        "make lint",
        "make test",
        "make docs",
    ]
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_make_help_lists_every_target():
    makefile = (REPOSITORY / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split()
    shown = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    ).stdout
    assert re.findall(r"^  make (\S+)", shown, re.MULTILINE) == phony


def test_a_python_without_the_packages_is_told_where_they_are():
    # -S leaves out the environment's packages, as the machine's own Python lacks them.
    result = subprocess.run(
        [sys.executable, "-S", REPOSITORY / "pipeline_runner.py", "run"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "make setup" in one_error(result)
    assert "source .venv/bin/activate" in result.stderr
