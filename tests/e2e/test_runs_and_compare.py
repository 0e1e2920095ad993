"""`runs` and `compare` on what a whole run really leaves."""

import json

from tests.conftest import petseg


def test_a_run_leaves_what_runs_and_compare_read(first_run, tmp_path):
    folder = min((first_run.output / "runs").iterdir())
    metrics = json.loads((folder / "metrics.json").read_text())
    push = json.loads((folder / "push.json").read_text())
    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert push["pushed"] is True
    assert evaluation["model"] == metrics["model"]

    listed = petseg("runs", "--output", first_run.output)
    assert listed.status == 0, listed.stderr
    (line,) = [line for line in listed.stdout.splitlines() if line.startswith(folder.name)]
    for word in (f"{metrics['model']['mean_iou']:.4f}", "blessed, test", f"{push['version']}, in production"):
        assert word in line

    stored = petseg("runs", "--metadata", first_run.output / "metadata.db")
    assert stored.status == 0, stored.stderr
    assert line in stored.stdout.splitlines(), "the metadata store knows the same of a run"

    page = tmp_path / "compare.html"
    compared = petseg("compare", folder, folder, "--output", page)
    assert compared.status == 0, compared.stderr
    for resolution in ("model", "native"):
        assert f"{metrics[resolution]['mean_iou']:.4f}" in compared.stdout
    assert f"{metrics['examples']} photos" in compared.stdout
    assert "No significant difference" in page.read_text()
    assert page.read_text().count("<img") >= 4
