"""`pip install .` and `python -m build`: the wheel holds what the command `petseg` needs, in any folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import PETS_CONFIG, PROJECT

PACKAGES = ("petseg", "trainer", "components", "pipeline")


def git(*arguments: str) -> list[str]:
    listed = subprocess.run(
        ["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    return listed.splitlines()


def tracked() -> list[str]:
    """All files that a clone has, and new ones that git would add."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard")
    return [name for name in names if (PROJECT / name).is_file()]


def test_git_ignores_no_file_of_the_packages():
    ignored = git("ls-files", "--others", "--ignored", "--exclude-standard", "--", *PACKAGES)
    assert [name for name in ignored if "__pycache__" not in name] == []


@dataclass(frozen=True)
class Installed:
    """The project in an environment of its own.

    Attributes:
        wheel: The wheel that was installed.
        bin: Folder of the environment's programs.
        elsewhere: A folder outside the project, with the config pets.yaml.
    """

    wheel: Path
    bin: Path
    elsewhere: Path

    def petseg(self, *arguments: object, status: int = 0) -> str:
        done = subprocess.run(
            [self.bin / "petseg", *map(str, arguments)],
            cwd=self.elsewhere,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.elsewhere)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / "source" / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "source")
    (wheel,) = (folder / "dist").glob("petseg-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv/bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    site_packages = next((folder / "venv/lib").glob("python3*/site-packages"))
    # The dependencies are those of this environment: what is tried is the wheel.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "elsewhere").mkdir()
    shutil.copy(PETS_CONFIG, folder / "elsewhere/pets.yaml")
    return Installed(wheel, folder / "venv/bin", folder / "elsewhere")


def run(*command: object) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_wheel_holds_all_files_of_the_packages_and_nothing_else(installed):
    held = set(zipfile.ZipFile(installed.wheel).namelist())
    expected = {name for name in tracked() if name.split("/")[0] in PACKAGES} | {"pipeline_runner.py"}
    assert {name for name in held if ".dist-info/" not in name} == expected


@pytest.mark.slow
def test_help_calls_the_command_by_its_name(installed):
    shown = installed.petseg("run", "--help")
    assert "Usage: petseg run" in shown
    assert "Example: petseg run" in shown
    assert "pipeline_runner.py" not in shown


@pytest.mark.slow
def test_the_command_works_in_any_folder(installed):
    installed.petseg("sample-data", "--output", "sample", "--pairs", 12)
    assert len(list((installed.elsewhere / "sample/images").glob("*.jpg"))) == 12
    assert "trainer.epochs: 7" in installed.petseg("settings", "--set", "trainer.epochs=7")


@pytest.mark.slow
def test_a_schedule_runs_the_installed_command(installed):
    installed.petseg("schedule", "--cron", "0 3 * * 1", "--config", "pets.yaml", "--data", "gone")
    (listed,) = json.loads(installed.petseg("schedule", "list", "--json"))
    assert (listed["name"], listed["state"]) == ("pets", "due")
    installed.petseg("schedule", "fire", "pets", status=2)
    (run,) = json.loads(installed.petseg("schedule", "list", "pets", "--json"))
    assert run["outcome"] == "error: data.path: there is no folder gone"
