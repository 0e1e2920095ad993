"""The folder of pushed models: numbers, atomic copies, kills, pruning, rollback."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from petseg.errors import UserError
from petseg.evaluation.files import EVALUATION_FILE
from petseg.versions import (
    list_versions,
    model_digest,
    production_version,
    prune,
    publish,
    rollback,
    version_evaluation,
)


def make_model(folder: Path, content: str, files: int = 2, size: int = 10) -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "settings.json").write_text("{}")
    for i in range(files):
        (folder / "variables" / f"{i}").write_bytes(content.encode() * size)
    return folder


@pytest.fixture
def models(tmp_path) -> dict[str, Path]:
    return {name: make_model(tmp_path / "models" / name, name) for name in ("a", "b", "c")}


@pytest.fixture
def pushed(tmp_path) -> Path:
    return tmp_path / "serving_model"


def test_folder_that_does_not_exist_has_no_production(pushed):
    assert production_version(pushed) == "none"
    assert list_versions(pushed) == []
    assert not pushed.exists()


def test_version_is_the_time_and_rises(models, pushed):
    before = int(time.time())
    versions = [int(publish(models[name], pushed)) for name in ("a", "b", "c")]
    assert before <= versions[0] <= time.time()
    assert versions == sorted(set(versions)) == list_versions(pushed)
    assert production_version(pushed) == str(versions[-1])


def test_version_is_higher_than_one_from_the_future(models, pushed):
    make_model(pushed / "99999999999", "future")
    assert publish(models["a"], pushed) == "100000000000"


def test_what_lies_beside_a_model_stays_with_it_and_does_not_change_its_digest(models, pushed):
    old = publish(models["a"], pushed, beside={"evaluation.json": '{"split": "test"}'})
    assert model_digest(pushed / old) == model_digest(models["a"])
    publish(models["b"], pushed)
    assert version_evaluation(pushed, rollback(pushed)) == {"split": "test"}
    assert version_evaluation(pushed, str(list_versions(pushed)[1])) is None


def test_folders_that_are_no_versions_are_left_alone(models, pushed):
    for name in ("notes", "v7", ".hidden"):
        (pushed / name).mkdir(parents=True)
    (pushed / "12").mkdir()
    assert production_version(pushed) == "none"
    publish(models["a"], pushed)
    assert {"notes", "v7", ".hidden", "12"} < {p.name for p in pushed.iterdir()}


def test_published_is_the_same_model(models, pushed):
    version = publish(models["a"], pushed)
    assert model_digest(pushed / version) == model_digest(models["a"])


@pytest.mark.parametrize("change", ["content", "name", "boundary"])
def test_digest_sees_every_change(models, change):
    before = model_digest(models["a"])
    zero, one = (models["a"] / "variables" / name for name in "01")
    if change == "content":
        zero.write_text("other")
    elif change == "name":
        zero.rename(zero.with_name("2"))
    else:
        everything = zero.read_bytes() + one.read_bytes()
        zero.write_bytes(everything[:5])
        one.write_bytes(everything[5:])
    assert model_digest(models["a"]) != before


def test_left_behind_by_a_killed_push_is_swept(models, pushed):
    make_model(pushed / ".7.partial", "half")
    publish(models["a"], pushed)
    assert not list(pushed.glob("*.partial"))
    assert not (pushed / ".7.partial").exists()


def test_prune_keeps_the_highest(models, pushed):
    versions = [publish(models[name], pushed) for name in ("a", "b", "c")]
    assert prune(pushed, keep=5) == []
    assert prune(pushed, keep=2) == versions[:1]
    assert list_versions(pushed) == [int(v) for v in versions[1:]]


def test_prune_neither_removes_nor_counts_the_models_of_others(models, pushed):
    foreign = make_model(pushed / "1", "foreign")
    (foreign / "assets.extra" / "settings.json").unlink()
    versions = [publish(models[name], pushed) for name in ("a", "b", "c")]
    assert prune(pushed, keep=2) == versions[:1]
    assert list_versions(pushed) == [1, *map(int, versions[1:])]


def test_rollback_brings_the_last_other_model_back(models, pushed):
    old, *_ = (publish(models[name], pushed) for name in ("a", "b", "b"))
    new = rollback(pushed)
    assert production_version(pushed) == new
    assert int(new) > int(old)
    assert model_digest(pushed / new) == model_digest(models["a"])


def test_rollback_to_a_version(models, pushed):
    versions = [publish(models[name], pushed) for name in ("a", "b", "c")]
    new = rollback(pushed, versions[0])
    assert (pushed / new / "saved_model.pb").read_text() == "a"


@pytest.mark.parametrize(
    ("published", "version", "message"),
    [
        ("", None, "no model has been pushed here"),
        ("a", None, "is the only model there"),
        ("aa", None, "is the only model there"),
        ("ab", "17", "must be one of the older ones"),
        ("ab", "x", "must be one of the older ones"),
    ],
)
def test_rollback_without_a_way_back_is_refused(models, pushed, published, version, message):
    for name in published:
        publish(models[name], pushed)
    with pytest.raises(UserError, match=message):
        rollback(pushed, version)


def test_production_version_needs_neither_tensorflow_nor_tfx(pushed):
    code = (
        "import sys; from petseg.versions import production_version; "
        f"print(production_version({str(pushed)!r}), [m for m in ('tensorflow', 'tfx') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "none []"


@pytest.mark.slow
def test_kill_at_any_moment_leaves_a_whole_model(models, pushed, tmp_path):
    """SIGKILL at moments spread over a push of 120 MB: there is the old model or the whole new one."""
    old = publish(models["a"], pushed)
    big = make_model(tmp_path / "big", "0123456789", files=40, size=300_000)
    whole = model_digest(big)
    code = f"from petseg.versions import publish; publish({str(big)!r}, {str(pushed)!r})"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    seconds = time.monotonic() - started
    (pushed / production_version(pushed)).rename(tmp_path / "first")
    caught_in_the_copy = 0
    for share in range(12):
        child = subprocess.Popen([sys.executable, "-c", code])
        time.sleep(seconds * (share + 0.5) / 12)
        child.send_signal(signal.SIGKILL)
        child.wait()
        caught_in_the_copy += any(pushed.glob(".*.partial"))
        for version in list_versions(pushed):
            expected = model_digest(models["a"]) if str(version) == old else whole
            assert model_digest(pushed / str(version)) == expected
    assert caught_in_the_copy, "no kill hit the copy: the test has shown nothing"
    version = publish(models["b"], pushed)
    assert production_version(pushed) == version
    assert not any(pushed.glob(".*.partial"))


def test_a_version_takes_no_space_of_its_own_and_survives_its_source(models, pushed):
    version = publish(models["a"], pushed)
    published = Path(pushed, version, "saved_model.pb")
    assert published.samefile(models["a"] / "saved_model.pb")
    shutil.rmtree(models["a"])
    assert published.read_text() == "a"


def test_a_file_beside_the_model_changes_no_linked_one(models, pushed):
    first = publish(models["a"], pushed, beside={EVALUATION_FILE: "first"})
    second = publish(Path(pushed, first), pushed, beside={EVALUATION_FILE: "second"})
    assert Path(pushed, first, EVALUATION_FILE).read_text() == "first"
    assert Path(pushed, second, EVALUATION_FILE).read_text() == "second"


def test_where_hard_links_are_impossible_files_are_copied(models):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == models["a"].stat().st_dev:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        version = publish(models["a"], folder)
        assert Path(folder, version, "saved_model.pb").read_text() == "a"
        assert model_digest(Path(folder, version)) == model_digest(models["a"])
