"""The recipes for those who let systemd or cron keep the time."""

import re
import shutil
import subprocess
import sys

import pytest

from pipeline.schedule.cron import cron_trigger
from tests.conftest import PROJECT, petseg

RECIPES = PROJECT / "deploy" / "schedule"
UNITS = sorted(path.name for path in RECIPES.glob("petseg-*"))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_accepts_the_units(unit, tmp_path):
    for name in UNITS:
        text = (RECIPES / name).read_text()
        # Systemd looks for the program, which is where the project is installed.
        (tmp_path / name).write_text(
            re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.M)
        )
    verified = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_crontab_fires_on_mondays_and_its_command_is_there():
    (line,) = [line for line in (RECIPES / "petseg.crontab").read_text().splitlines() if line[0].isdigit()]
    cron_trigger(" ".join(line.split()[:5]))
    assert line.split()[4] == "1"
    assert "pipeline_runner.py schedule fire retraining" in line
    assert petseg("schedule", "fire", "--help").status == 0
