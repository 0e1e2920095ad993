"""A rollback sticks: the model that it replaced is not pushed again by the next run."""

import itertools

import pytest

from petseg.versions import list_versions, model_digest, version_digest
from tests.conftest import TINY, petseg
from tests.e2e.test_local_run import newest_metrics, states

ANY_MODEL = ["--set", "evaluation.max_regression=1"]


@pytest.fixture(params=["folder", "s3"])
def push_directory(request, tmp_path) -> str | None:
    """None: the output's own."""
    if request.param == "folder":
        return None
    request.getfixturevalue("s3")
    return f"s3://bucket/rollback_{next(_numbers)}"


_numbers = itertools.count()


@pytest.mark.slow
def test_the_run_after_a_rollback_is_refused_until_the_model_is_allowed(sample, tmp_path, push_directory):
    output = tmp_path / "out"
    arguments = ["run", "--data", sample, "--output", output, *TINY, *ANY_MODEL]
    if push_directory:
        arguments += ["--set", f"push.directory={push_directory}"]
    pushed = push_directory or str(output / "serving_model")
    other = ["--set", "trainer.seed=7"]
    for more in ([], other):
        done = petseg(*arguments, *more)
        assert done.status == 0, done.stdout + done.stderr
    good, bad = map(str, list_versions(pushed))

    done = petseg("rollback", "--output", output)
    assert done.status == 0, done.stderr
    back = str(list_versions(pushed)[-1])
    assert version_digest(pushed, back) == version_digest(pushed, good)

    for _ in range(2):
        again = petseg(*arguments, *other)
        assert again.status == 3, again.stdout + again.stderr
        assert states(again.stdout)["Trainer"] == "reused"
        (refusal,) = (line for line in again.stdout.splitlines() if line.startswith("refused: push: "))
        for words in (f"version {bad}", "push.allow_withdrawn", "rollback --version"):
            assert words in refusal
        metrics = newest_metrics(output)
        assert metrics["blessed"] is False
        assert f"refused: {metrics['reason']}" == refusal
        assert str(list_versions(pushed)[-1]) == back

    allowed = petseg(*arguments, *other, "--set", "push.allow_withdrawn=true")
    assert allowed.status == 0, allowed.stdout + allowed.stderr
    assert version_digest(pushed, str(list_versions(pushed)[-1])) == version_digest(pushed, bad)


@pytest.mark.slow
def test_a_version_that_is_asked_for_is_in_production_and_stays(sample, tmp_path):
    output = tmp_path / "out"
    pushed = output / "serving_model"
    arguments = ["run", "--data", sample, "--output", output, *TINY, *ANY_MODEL]
    for more in ([], ["--set", "trainer.seed=7"]):
        done = petseg(*arguments, *more)
        assert done.status == 0, done.stdout + done.stderr
    _, bad = map(str, list_versions(pushed))
    assert petseg("rollback", "--output", output).status == 0
    assert petseg("rollback", "--output", output, "--version", bad).status == 0
    again = petseg(*arguments, "--set", "trainer.seed=7")
    assert again.status == 0, again.stdout + again.stderr
    assert "already in production" in again.stdout
    assert model_digest(pushed / str(list_versions(pushed)[-1])) == model_digest(pushed / bad)
