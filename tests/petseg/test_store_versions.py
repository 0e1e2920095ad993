"""Pushed models on object stores: order of the uploads, kills, pruning, rollback."""

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from petseg.errors import UserError
from petseg.files.object_store import StorePath
from petseg.versions import (
    check_production_model,
    fetch_version,
    list_versions,
    model_digest,
    production_version,
    prune,
    publish,
    rollback,
    version_digest,
    version_evaluation,
)
from tests.petseg.test_versions import make_model

_numbers = itertools.count()


@pytest.fixture
def models(tmp_path) -> dict[str, Path]:
    return {name: make_model(tmp_path / "models" / name, name) for name in ("a", "b", "c")}


@pytest.fixture(params=["s3", pytest.param("gs", marks=pytest.mark.slow)])
def bucket(request) -> str:
    """URL of the bucket of a running store."""
    request.getfixturevalue(request.param)
    return f"{request.param}://bucket"


@pytest.fixture
def pushed(bucket) -> str:
    """A new folder in the bucket."""
    return f"{bucket}/serving_{next(_numbers)}"


def names(pushed: str) -> set[str]:
    """All objects below."""
    return set(StorePath(pushed).files_below())


def test_before_the_first_push_there_is_none(pushed):
    assert list_versions(pushed) == []
    assert production_version(pushed) == "none"
    assert prune(pushed, keep=1) == []


def test_a_pushed_model_comes_back_to_the_byte(models, pushed, tmp_path):
    before = int(time.time())
    versions = [publish(models[name], pushed) for name in ("a", "b")]
    assert before <= int(versions[0]) < int(versions[1])
    assert production_version(pushed) == versions[1]
    assert version_digest(pushed, versions[0]) == model_digest(models["a"])
    fetch_version(pushed, versions[0], tmp_path / "back")
    assert model_digest(tmp_path / "back") == model_digest(models["a"])
    assert f"{versions[0]}/saved_model.pb" in names(pushed), "TensorFlow Serving looks for it there"


def test_a_missing_version_cannot_be_fetched(models, pushed, tmp_path):
    publish(models["a"], pushed)
    with pytest.raises(FileNotFoundError):
        fetch_version(pushed, "17", tmp_path / "back")


def test_pruning_removes_every_object_of_a_version(models, pushed):
    versions = [publish(models[name], pushed) for name in ("a", "b", "c")]
    assert prune(pushed, keep=1) == versions[:2]
    assert list_versions(pushed) == [int(versions[2])]
    assert all(versions[2] in name for name in names(pushed))


def test_rollback_restores_the_previous_model(models, pushed):
    old, *_ = (publish(models[name], pushed) for name in ("a", "b", "b"))
    new = rollback(pushed)
    assert production_version(pushed) == new
    assert version_digest(pushed, new) == version_digest(pushed, old)
    with pytest.raises(UserError, match="must be one of the older ones"):
        rollback(pushed, "17")


def test_leftovers_are_removed_a_day_later(models, pushed):
    yesterday, now = int(time.time()) - 90_000, int(time.time())
    for version in (yesterday, now):
        StorePath(f"{pushed}/{version}/variables/0").write_bytes(b"half")
    version = publish(models["a"], pushed)
    assert int(version) > now, "the other's number is taken"
    left = {name.split("/")[0] for name in names(pushed)}
    assert left == {".manifests", str(now), version}


def test_a_push_that_is_killed_leaves_the_previous_model(models, pushed, tmp_path):
    old = publish(models["a"], pushed)
    big = make_model(tmp_path / "big", "0123456789", files=60, size=10_000)
    code = f"from petseg.versions import publish; publish({str(big)!r}, {pushed!r})"
    child = subprocess.Popen([sys.executable, "-c", code])
    while not [name for name in names(pushed) if not name.startswith((old, "."))]:
        assert child.poll() is None, "it ended before the kill"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    uploaded = {name for name in names(pushed) if not name.startswith((old, "."))}
    assert 0 < len(uploaded) < 61, "no kill in the middle: the test has shown nothing"
    assert not any(name.endswith("saved_model.pb") for name in uploaded)
    assert list_versions(pushed) == [int(old)]
    new = publish(models["b"], pushed)
    assert production_version(pushed) == new
    assert version_digest(pushed, new) == model_digest(models["b"])


def test_exported_files_are_there_before_their_version(models, pushed, tmp_path):
    old = publish(models["a"], pushed)
    beside = {f"exports/{index}.onnx": tmp_path / "big" for index in range(20)}
    (tmp_path / "big").write_bytes(bytes(10_000))
    code = (
        "from pathlib import Path; from petseg.versions import publish;"
        f"publish({str(models['b'])!r}, {pushed!r}, beside={{n: Path(p) for n, p in "
        f"{ {name: str(file) for name, file in beside.items()} }.items()}})"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    while not any("/exports/" in name for name in names(pushed)):
        assert child.poll() is None, "it ended before the kill"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    uploaded = {name for name in names(pushed) if not name.startswith((old, "."))}
    assert not any(name.endswith("saved_model.pb") for name in uploaded)
    assert list_versions(pushed) == [int(old)]
    new = publish(models["b"], pushed, beside=beside)
    assert {f"{new}/{name}" for name in beside} <= names(pushed)
    fetch_version(pushed, new, tmp_path / "back")
    assert not (tmp_path / "back" / "exports").exists()


def test_a_missing_bucket_is_one_line(models, bucket):
    with pytest.raises(UserError, match="cannot be written: there is no such bucket"):
        publish(models["a"], bucket.replace("bucket", "no-such-bucket/models"))


def test_a_foreign_model_without_a_manifest_is_named_and_never_removed(models, pushed):
    """Of any age, whole or not: its number is no time of a push."""
    for file in ("saved_model.pb", "variables/variables.index"):
        StorePath(f"{pushed}/1/{file}").write_bytes(b"foreign")
    StorePath(f"{pushed}/2/variables/variables.index").write_bytes(b"being uploaded")
    with pytest.raises(UserError, match=f"{pushed}/1 is not a model of this pipeline .* move 1 away"):
        check_production_model(pushed)
    publish(models["a"], pushed)
    assert {"1/saved_model.pb", "1/variables/variables.index", "2/variables/variables.index"} < names(pushed)


def test_a_foreign_model_with_a_number_like_a_time_stays_too(models, pushed):
    yesterday = int(time.time()) - 90_000
    StorePath(f"{pushed}/{yesterday}/saved_model.pb").write_bytes(b"foreign")
    publish(models["a"], pushed)
    assert f"{yesterday}/saved_model.pb" in names(pushed)


def test_a_foreign_model_below_one_of_this_pipeline_is_fine(tmp_path, pushed):
    StorePath(f"{pushed}/1/saved_model.pb").write_bytes(b"foreign")
    publish(make_model(tmp_path / "ours", "ours"), pushed)
    check_production_model(pushed)


def test_what_lies_beside_a_model_stays_with_it_and_does_not_change_its_digest(models, pushed):
    old = publish(models["a"], pushed, beside={"evaluation.json": '{"split": "test"}'})
    publish(models["b"], pushed)
    assert version_digest(pushed, old) == model_digest(models["a"])
    assert version_evaluation(pushed, rollback(pushed)) == {"split": "test"}
    assert version_evaluation(pushed, str(list_versions(pushed)[1])) is None
