"""Files that are whole or not there: a kill or an error while one is written leaves the old one."""

import signal
import subprocess
import sys

import pytest

from petseg.files.atomic import atomic_file, write_atomic
from petseg.files.object_store import StorePath

KILLED_HALFWAY = """
import os, signal
from petseg.files.atomic import atomic_file
with atomic_file({file!r}) as unfinished, unfinished.open("w") as content:
    content.write("half of the new")
    content.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def fail_halfway(file) -> None:
    with atomic_file(file) as unfinished:
        unfinished.write_text("half of the n")
        raise OSError("disk full")


def test_a_written_file_has_the_content_and_nothing_beside_it(tmp_path):
    write_atomic(tmp_path / "text.md", "Käse")
    write_atomic(tmp_path / "bytes.bin", b"\xff")
    assert (tmp_path / "text.md").read_bytes() == "Käse".encode()
    assert (tmp_path / "bytes.bin").read_bytes() == b"\xff"
    assert len(list(tmp_path.iterdir())) == 2


def test_an_error_in_the_middle_leaves_the_old_file_and_no_other(tmp_path):
    file = tmp_path / "metrics.json"
    write_atomic(file, "old")
    with pytest.raises(OSError, match="disk full"):
        fail_halfway(file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_kill_in_the_middle_leaves_the_old_file_and_the_next_write_sweeps(tmp_path):
    file = tmp_path / "metrics.json"
    write_atomic(file, "old")
    code = KILLED_HALFWAY.format(file=str(file))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2, "it was killed before it had written: nothing is shown"
    assert file.read_text() == "old"
    write_atomic(file, "new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("store", ["s3", pytest.param("gs", marks=pytest.mark.slow)])
def test_an_object_of_a_store_is_replaced_whole(store, request):
    request.getfixturevalue(store)
    file = f"{store}://bucket/atomic/metrics.json"
    write_atomic(file, "old")
    with pytest.raises(OSError, match="disk full"):
        fail_halfway(file)
    assert StorePath(file).read_text() == "old"
    write_atomic(file, "new")
    assert StorePath(file).read_text() == "new"
    assert [entry.name for entry in StorePath(f"{store}://bucket/atomic").iterdir()] == ["metrics.json"]
