import pytest

from pipeline.runs.outcome import publish_files


@pytest.mark.parametrize("name", ["evaluation.json", "judgement.json"])
def test_an_evaluation_is_published_under_the_name_that_its_release_gave_it(tmp_path, name):
    artifact = tmp_path / "evaluation"
    artifact.mkdir()
    for file in ("photos.parquet", name):
        (artifact / file).write_text(file)
    publish_files(lambda node, _: str(artifact) if node == "Evaluator" else None, tmp_path / "run")
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"photos.parquet", name}
