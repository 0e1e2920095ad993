import pytest

from pipeline.runs.outcome import publish_files, verdict


@pytest.mark.parametrize("name", ["evaluation.json", "judgement.json"])
def test_an_evaluation_is_published_under_the_name_that_its_release_gave_it(tmp_path, name):
    artifact = tmp_path / "evaluation"
    artifact.mkdir()
    for file in ("photos.parquet", name):
        (artifact / file).write_text(file)
    publish_files(lambda node, _: str(artifact) if node == "Evaluator" else None, tmp_path / "run")
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"photos.parquet", name}


def test_the_terminal_names_the_best_kept_version_where_it_can_be_compared(tmp_path):
    metrics = {"blessed": True, "reason": "why", "split": "test"}
    push = {"pushed": True, "version": "9", "reason": ""}
    assert not [line for line in verdict(metrics, push, "pushed", tmp_path).lines if line.startswith("best")]
    push["best_kept"] = {"version": "7", "mean_iou": 0.7, "difference": 0.0123}
    assert verdict(metrics, push, "pushed", tmp_path).lines[1] == (
        "best     mean IoU 0.0123 above the 0.7000 of version 7, the best one kept of those evaluated on the "
        "same test examples"
    )
