"""What a rollback withdraws, in a folder and on object stores."""

import itertools
import threading

import pytest

from petseg.errors import UserError
from petseg.versions import (
    NONE,
    ProductionChangedError,
    list_versions,
    model_digest,
    production_version,
    publish,
    rollback,
    version_digest,
    withdrawal,
)
from tests.petseg.test_versions import make_model

_numbers = itertools.count()


@pytest.fixture
def models(tmp_path):
    return {name: make_model(tmp_path / "models" / name, name) for name in "abc"}


@pytest.fixture(params=["folder", "s3", pytest.param("gs", marks=pytest.mark.slow)])
def pushed(request, tmp_path) -> str:
    if request.param == "folder":
        return str(tmp_path / "serving_model")
    request.getfixturevalue(request.param)
    return f"{request.param}://bucket/withdrawn_{next(_numbers)}"


def is_withdrawn(pushed, model) -> bool:
    return withdrawal(pushed, model_digest(model)) is not None


def test_a_rollback_withdraws_the_model_that_it_replaces_and_no_other(models, pushed):
    for name in "ab":
        publish(models[name], pushed)
    bad = production_version(pushed)
    rollback(pushed)
    mark = withdrawal(pushed, model_digest(models["b"]))
    assert mark.version == bad
    assert mark.time.startswith("20")
    assert not is_withdrawn(pushed, models["a"])
    assert not is_withdrawn(pushed, models["c"])


def test_a_second_rollback_goes_further_back_and_not_to_the_withdrawn_model(models, pushed):
    for name in "abc":
        publish(models[name], pushed)
    rollback(pushed)
    version = rollback(pushed)
    assert version_digest(pushed, version) == model_digest(models["a"])
    assert is_withdrawn(pushed, models["b"])
    with pytest.raises(UserError, match=r"withdrawn .* --version"):
        rollback(pushed)
    assert production_version(pushed) == version
    assert not is_withdrawn(pushed, models["a"]), "what could not be rolled back stays allowed"


def test_an_explicit_version_takes_the_mark_off(models, pushed):
    good, bad = (publish(models[name], pushed) for name in "ab")
    rollback(pushed)
    version = rollback(pushed, bad)
    assert version_digest(pushed, version) == model_digest(models["b"])
    assert not is_withdrawn(pushed, models["b"])
    assert is_withdrawn(pushed, models["a"])
    assert int(good) < int(bad) < int(version)


def test_a_version_of_the_model_in_production_withdraws_nothing(models, pushed):
    first, _ = (publish(models["a"], pushed) for _ in range(2))
    rollback(pushed, first)
    assert not is_withdrawn(pushed, models["a"])


def test_a_mark_that_cannot_be_read_is_named(models, tmp_path):
    pushed = tmp_path / "serving_model"
    for name in "ab":
        publish(models[name], pushed)
    rollback(pushed)
    (mark,) = (pushed / ".withdrawn").iterdir()
    mark.write_text("{")
    with pytest.raises(UserError, match=str(mark)):
        withdrawal(pushed, model_digest(models["b"]))


def test_a_push_after_another_one_is_refused(models, pushed):
    assert publish(models["a"], pushed, after=NONE) == production_version(pushed)
    first = production_version(pushed)
    second = publish(models["b"], pushed, after=first)
    with pytest.raises(ProductionChangedError, match=f"from version {first} to version {second}"):
        publish(models["c"], pushed, after=first)
    with pytest.raises(ProductionChangedError, match=f"from no model to version {second}"):
        publish(models["c"], pushed, after=NONE)
    assert list_versions(pushed) == [int(first), int(second)]


def test_of_pushes_at_the_same_time_one_wins(models, tmp_path):
    """All compared with the same production: the lock lets one through, and the others see its version."""
    pushed = tmp_path / "serving_model"
    first = publish(models["a"], pushed)
    barrier, done = threading.Barrier(8), []

    def push(number: int) -> None:
        model = make_model(tmp_path / f"candidate_{number}", f"candidate {number}", size=10_000)
        barrier.wait()
        try:
            publish(model, pushed, after=first)
            done.append("pushed")
        except ProductionChangedError:
            done.append("refused")

    threads = [threading.Thread(target=push, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["pushed"] + ["refused"] * 7
    assert len(list_versions(pushed)) == 2
