import pytest

from pipeline.runs.outcome import link_latest, publish_files, verdict


@pytest.mark.parametrize("name", ["evaluation.json", "judgement.json"])
def test_an_evaluation_is_published_under_the_name_that_its_release_gave_it(tmp_path, name):
    artifact = tmp_path / "evaluation"
    artifact.mkdir()
    for file in ("photos.parquet", name):
        (artifact / file).write_text(file)
    publish_files(lambda node, _: str(artifact) if node == "Evaluator" else None, tmp_path / "run")
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"photos.parquet", name}


def test_the_terminal_names_the_best_kept_version_where_it_can_be_compared(tmp_path):
    metrics = {"blessed": True, "reason": "why", "split": "test", "examples": 30}
    push = {"pushed": True, "version": "9", "reason": ""}
    assert not [line for line in verdict(metrics, push, "pushed", tmp_path).lines if line.startswith("best")]
    push["best_kept"] = {"version": "7", "mean_iou": 0.7, "difference": 0.0123}
    assert verdict(metrics, push, "pushed", tmp_path).lines[1] == (
        "best     mean IoU 0.0123 above the 0.7000 of version 7, the best one kept of those evaluated on the "
        "same test examples"
    )


def test_the_terminal_shows_the_interval_and_warns_of_few_examples(tmp_path):
    metrics = {
        "blessed": False,
        "reason": "why",
        "split": "eval",
        "examples": 29,
        "native": {"mean_iou": 0.71234},
        "mean_iou_interval": [0.65, 0.7801],
    }
    lines = verdict(metrics, None, "pushed", tmp_path).lines
    assert lines[1] == "native   mean IoU 0.7123, 95% interval 0.6500 to 0.7801"
    assert lines[2].startswith("warning  only 29 eval examples: with fewer than 30, ")
    assert len(verdict(metrics | {"examples": 30}, None, "pushed", tmp_path).lines) == len(lines) - 1
    assert (
        len(verdict(metrics | {"mean_iou_interval": None}, None, "pushed", tmp_path).lines) == len(lines) - 1
    )


def test_a_link_leads_to_the_newest_run(tmp_path):
    for run in ("20260901-101500", "20260902-101500"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        link_latest(tmp_path / "runs" / run)
        assert (tmp_path / "latest").resolve() == tmp_path / "runs" / run
    assert not (tmp_path / "latest").readlink().is_absolute(), "the output folder can be moved"


def test_a_folder_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "runs" / "20260901-101500").mkdir(parents=True)
    link_latest(tmp_path / "runs" / "20260901-101500")
    assert not (tmp_path / "latest").is_symlink()
