"""Pusher's executor: what is pushed, what is not, and what it says."""

import json
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.pusher.executor import Executor
from petseg.versions import list_versions, model_digest, rollback


@pytest.fixture
def pushed(tmp_path) -> Path:
    return tmp_path / "serving_model"


@pytest.fixture
def push(tmp_path, pushed):
    """Pushes a model of one file with this content; returns push.json and the artifact."""

    def run(content="weights", blessed=True, infra_blessed=True, compared_with=None, **settings):
        run_folder = tmp_path / f"run_{len(list(tmp_path.iterdir()))}"
        model = standard_artifacts.Model()
        model.uri = str(run_folder / "model")
        (run_folder / "model" / "Format-Serving").mkdir(parents=True)
        (run_folder / "model" / "Format-Serving" / "saved_model.pb").write_text(content)
        blessing, infra_blessing = standard_artifacts.ModelBlessing(), standard_artifacts.InfraBlessing()
        blessing.set_int_custom_property("blessed", int(blessed))
        infra_blessing.set_int_custom_property("blessed", int(bool(infra_blessed)))
        inputs = {"model": [model], "model_blessing": [blessing]}
        if infra_blessed is not None:
            inputs["infra_blessing"] = [infra_blessing]
        if compared_with is not None:
            baseline = standard_artifacts.Model()
            baseline.set_string_custom_property("version", compared_with)
            inputs["baseline_model"] = [baseline]
        pushed_model = standard_artifacts.PushedModel()
        pushed_model.uri = str(run_folder / "pushed")
        Path(pushed_model.uri).mkdir()
        push = json.dumps({"directory": str(pushed), **settings})
        Executor().Do(inputs, {"pushed_model": [pushed_model]}, {"push": push})
        return json.loads((run_folder / "pushed" / "push.json").read_text()), pushed_model

    return run


def versions(pushed: Path) -> list[str]:
    return [str(version) for version in list_versions(pushed)]


@pytest.mark.parametrize("infra_blessed", [True, None], ids=["checked", "without ServingCheck"])
def test_blessed_model_is_pushed(push, pushed, caplog, infra_blessed):
    caplog.set_level("INFO", "petseg")
    verdict, artifact = push(infra_blessed=infra_blessed)
    (version,) = versions(pushed)
    assert verdict == {"pushed": True, "version": version, "reason": f"blessed, pushed as version {version}"}
    assert caplog.messages == [f"pushed: blessed, pushed as version {version}"]
    assert artifact.get_int_custom_property("pushed") == 1
    assert artifact.get_string_custom_property("pushed_version") == version
    assert artifact.get_string_custom_property("version") == version
    assert artifact.get_string_custom_property("pushed_destination") == str(pushed / version)
    assert (Path(artifact.uri) / "saved_model.pb").read_text() == "weights"


@pytest.mark.parametrize(
    ("blessings", "node"),
    [({"blessed": False}, "Evaluator"), ({"infra_blessed": False}, "ServingCheck")],
    ids=["below a threshold", "fails to serve"],
)
def test_refused_model_leaves_production_untouched(push, pushed, blessings, node):
    push("production")
    before = model_digest(pushed)
    verdict, artifact = push("candidate", **blessings)
    assert verdict == {"pushed": False, "version": None, "reason": f"not blessed by {node}"}
    assert artifact.get_int_custom_property("pushed") == 0
    assert artifact.get_string_custom_property("version") == "none"
    assert model_digest(pushed) == before


def test_model_in_production_is_not_pushed_again(push, pushed):
    first, _ = push("same")
    verdict, artifact = push("same")
    assert verdict == {
        "pushed": False,
        "version": first["version"],
        "reason": f"already in production as version {first['version']}",
    }
    assert artifact.get_int_custom_property("pushed") == 0
    assert artifact.get_string_custom_property("version") == first["version"]
    assert versions(pushed) == [first["version"]]


def test_model_that_was_rolled_back_from_is_refused_until_it_is_allowed(push, pushed, caplog):
    caplog.set_level("INFO", "petseg")
    push("old")
    bad, _ = push("new")
    back = rollback(pushed)
    before = versions(pushed)
    verdict, artifact = push("new")
    assert (verdict["pushed"], verdict["version"]) == (False, None)
    for words in (
        f"withdrew this model, version {bad['version']}",
        "push.allow_withdrawn",
        "rollback --version",
    ):
        assert words in verdict["reason"]
    assert caplog.messages[-1] == f"refused: {verdict['reason']}"
    assert artifact.get_int_custom_property("pushed") == 0
    assert versions(pushed) == before
    assert push("old")[0]["reason"] == f"already in production as version {back}"

    allowed, _ = push("new", allow_withdrawn=True)
    assert allowed["pushed"] is True
    assert (pushed / versions(pushed)[-1] / "saved_model.pb").read_text() == "new"


def test_model_that_was_rolled_back_to_by_its_version_is_pushed_again(push, pushed):
    push("old")
    bad, _ = push("new")
    rollback(pushed)
    rollback(pushed, bad["version"])
    push("newest")
    assert push("new")[0]["pushed"] is True


def test_production_that_is_not_what_was_compared_is_a_refusal(push, pushed):
    """Two outputs share the folder: both compared with the first model, and the other one was quicker."""
    first, _ = push("first", compared_with="none")
    other, _ = push("better", compared_with=first["version"])
    verdict, _ = push("worse", compared_with=first["version"])
    assert (verdict["pushed"], verdict["version"]) == (False, None)
    for words in (f"version {other['version']}", f"version {first['version']}", "run again"):
        assert words in verdict["reason"]
    assert versions(pushed) == [first["version"], other["version"]]
    assert push("worse", compared_with=other["version"])[0]["pushed"] is True


def test_only_so_many_versions_are_kept(push, pushed):
    pushes = [push(content, keep_versions=2)[0]["version"] for content in ("a", "b", "c")]
    assert versions(pushed) == pushes[1:]
