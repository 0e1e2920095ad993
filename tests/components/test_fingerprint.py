"""The fingerprint changes with every photo, mask and list, and only with these."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.example_gen.fingerprint import fingerprint
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable, SegmentationClass
from tests.components import tiny_pairs
from tests.components.tiny_pairs import pets_data

TWO_CLASSES = ClassTable(
    classes=(
        SegmentationClass(value=0, name="ground", color="#000000"),
        SegmentationClass(value=1, name="leaf", color="#00ff00"),
    )
)
PAIR = ("images/Bengal_1.jpg", "annotations/trimaps/pug_1.png")


@pytest.fixture
def pets(tmp_path) -> Path:
    return tiny_pairs.write_pets(tmp_path / "pets")


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def replace_by_equal_size(path: Path) -> None:
    """Changes content and time, but not the size."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(2, 2))


@pytest.mark.parametrize("kind", ["stat", "content"])
@pytest.mark.parametrize("edit", [change, Path.unlink, replace_by_equal_size])
@pytest.mark.parametrize("file", [*PAIR, "annotations/trainval.txt", "annotations/test.txt"])
def test_notices(pets, file, edit, kind):
    data = pets_data(pets, fingerprint=kind)
    before = fingerprint(data)
    assert fingerprint(data) == before
    edit(pets / file)
    assert fingerprint(data) != before


@pytest.mark.parametrize("kind", ["stat", "content"])
@pytest.mark.parametrize("file", PAIR)
def test_notices_a_new_file(pets, file, kind):
    data = pets_data(pets, fingerprint=kind)
    before = fingerprint(data)
    beside = (pets / file).with_stem("Bengal_999")
    beside.write_bytes((pets / file).read_bytes())
    assert fingerprint(data) != before


def test_time_counts_for_stat_and_not_for_content(pets):
    by_stat, by_content = (pets_data(pets, fingerprint=kind) for kind in ("stat", "content"))
    before = fingerprint(by_stat), fingerprint(by_content)
    touch(pets / "images/Bengal_1.jpg")
    assert fingerprint(by_stat) != before[0]
    assert fingerprint(by_content) == before[1]


def test_other_files_do_not_count(pets):
    data = pets_data(pets)
    before = fingerprint(data)
    (pets / "README.txt").write_text("hello")
    (pets / "annotations/list.txt").write_text("hello")
    assert fingerprint(data) == before


def test_a_rename_is_noticed_by_content_too(pets):
    data = pets_data(pets, fingerprint="content")
    before = fingerprint(data)
    (pets / "images/Bengal_1.jpg").rename(pets / "images/Bengal_999.jpg")
    assert fingerprint(data) != before


def test_folder_lists_are_watched(tmp_path):
    folder = tiny_pairs.write_folder(tmp_path / "own", ["a", "b"], values=(0, 1))
    data = DataSettings(path=str(folder), format="folder", classes=TWO_CLASSES)
    states = [fingerprint(data)]
    (folder / "splits").mkdir()
    for split in ("train", "test"):
        (folder / f"splits/{split}.txt").write_text("a\n")
        states.append(fingerprint(data))
    change(folder / "masks/a.png")
    states.append(fingerprint(data))
    assert len(set(states)) == len(states)


def test_tfds_folder_is_watched(tmp_path):
    data = pets_data(tmp_path, format="tfds", tfds_builder="oxford_iiit_pet:4.*.*")
    before = fingerprint(data)
    shard = tmp_path / "oxford_iiit_pet/4.0.0/oxford_iiit_pet-train.tfrecord-00000-of-00001"
    shard.parent.mkdir(parents=True)
    shard.write_bytes(b"1")
    assert fingerprint(data) != before


@pytest.mark.parametrize("path", [None, "/nowhere/at/all"])
def test_missing_data_has_a_fingerprint(path):
    assert fingerprint(pets_data(path))


def test_needs_no_tensorflow_and_is_quick(tmp_path):
    for folder in ("images", "annotations/trimaps"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(7500):
            (tmp_path / folder / f"Bengal_{number}.jpg").touch()
    script = (
        "import sys, time\n"
        "from components.example_gen.fingerprint import fingerprint\n"
        "from components.example_gen.settings import DataSettings\n"
        "start = time.process_time()\n"
        f"fingerprint(DataSettings(path={str(tmp_path)!r}, format='pets'))\n"
        "print(time.process_time() - start)\n"
        "assert not {'tensorflow', 'tfx', 'apache_beam'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1
