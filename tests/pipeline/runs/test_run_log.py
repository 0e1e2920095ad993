import os
import subprocess
import sys

PROGRAM = """
import logging, os, sys
from pathlib import Path
from pipeline.runs.run_log import redirect_output
with redirect_output(Path(sys.argv[1]), int(sys.argv[2])) as terminal:
    print("seen", file=terminal, flush=True)
    print("printed")
    os.system("echo child; echo child error >&2")
    logging.getLogger("anyone").warning("warned")
print("after")
"""


def test_only_what_goes_to_the_terminal_is_seen(tmp_path):
    log = tmp_path / "run.log"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log), "1"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "seen\nafter\n"
    assert done.stderr == ""
    kept = log.read_text()
    for word in ("printed", "child", "child error", "warned"):
        assert word in kept


def test_the_log_is_appended_to(tmp_path):
    log = tmp_path / "run.log"
    log.write_text("earlier\n")
    subprocess.run([sys.executable, "-c", PROGRAM, str(log), "1"], capture_output=True, check=True)
    assert log.read_text().startswith("earlier\n")
    assert "printed\n" in log.read_text()


def test_progress_can_be_shown_on_stderr(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "run.log"), "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("after\n", "seen\n")


def test_what_a_full_disk_keeps_out_of_the_log_ends_nothing():
    program = """
import sys
from pathlib import Path
from pipeline.runs.run_log import redirect_output
with redirect_output(Path("/dev/full")) as terminal:
    sys.stdout.write("lost")
print("after", file=sys.stderr)
"""
    # Without a buffer, it is the writing itself that fails.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=buffered, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "after\n")
