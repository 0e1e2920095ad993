"""Pusher's executor: what is pushed, what is not, and what it says."""

import json
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.pusher.executor import Executor
from petseg.files.atomic import write_atomic
from petseg.versions import list_versions, model_digest, rollback


@pytest.fixture
def pushed(tmp_path) -> Path:
    return tmp_path / "serving_model"


@pytest.fixture
def push(tmp_path, pushed):
    """Pushes a model of one file with this content; returns push.json and the artifact."""

    def run(
        content="weights", blessed=True, infra_blessed=True, compared_with=None, evaluated=None, **settings
    ):
        run_folder = tmp_path / f"run_{len(list(tmp_path.iterdir()))}"
        model = standard_artifacts.Model()
        model.uri = str(run_folder / "model")
        saved_model = run_folder / "model" / "Format-Serving"
        (saved_model / "assets.extra").mkdir(parents=True)
        (saved_model / "assets.extra" / "settings.json").write_text("{}")
        (saved_model / "saved_model.pb").write_text(content)
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
        if evaluated is not None:
            evaluation = standard_artifacts.ModelEvaluation()
            evaluation.uri = str(run_folder / "evaluation")
            write_atomic(run_folder / "evaluation" / "evaluation.json", json.dumps(evaluated))
            inputs["evaluation"] = [evaluation]
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


def evaluated(mean_iou, examples="same"):
    return {"split": "test", "model": {"mean_iou": mean_iou}, "examples_sha256": examples}


def test_the_best_kept_version_shows_a_decline_that_no_run_stopped(push, pushed):
    """Each is 0.004 below the one before, which a max_regression of 0.005 allows."""
    first, _ = push("a", evaluated=evaluated(0.700))
    assert "best_kept" not in first
    second, _ = push("b", evaluated=evaluated(0.696))
    third, _ = push("c", evaluated=evaluated(0.692))
    for verdict, difference in ((second, -0.004), (third, -0.008)):
        best = verdict["best_kept"]
        assert (best["version"], best["mean_iou"]) == (first["version"], 0.700)
        assert best["difference"] == pytest.approx(difference)
    refused, _ = push("d", blessed=False, evaluated=evaluated(0.5))
    assert refused["best_kept"]["difference"] == pytest.approx(-0.2)
    better, _ = push("e", evaluated=evaluated(0.75))
    assert better["best_kept"]["difference"] == pytest.approx(0.05)
    again, _ = push("e", evaluated=evaluated(0.75))
    assert (again["pushed"], again["best_kept"]["version"]) == (False, better["version"])


def test_versions_of_other_test_examples_of_the_last_release_and_removed_ones_do_not_count(push, pushed):
    push("a", evaluated=evaluated(0.9, examples="others"))
    push("b")
    push("c", evaluated=evaluated(None))
    assert "best_kept" not in push("d", evaluated=evaluated(0.7))[0]
    assert "best_kept" not in push("e", evaluated=evaluated(None))[0]
    push("f", evaluated=evaluated(0.6), keep_versions=1)
    assert push("g", evaluated=evaluated(0.65))[0]["best_kept"]["mean_iou"] == 0.6


def test_a_version_that_was_brought_back_keeps_its_evaluation(push, pushed):
    push("a", evaluated=evaluated(0.7))
    push("b", evaluated=evaluated(0.6))
    back = rollback(pushed)
    assert push("c", evaluated=evaluated(0.69))[0]["best_kept"]["version"] == back
