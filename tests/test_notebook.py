"""The notebook: committed without outputs, and every cell runs."""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import PROJECT

NOTEBOOK = PROJECT / "notebooks" / "segmentation.ipynb"


def test_the_notebook_is_committed_without_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert len(cells) > 10
    assert [cell.id for cell in cells if cell.outputs or cell.execution_count] == []


@pytest.mark.slow
def test_every_cell_runs(tmp_path, monkeypatch):
    for name, value in {"OUTPUT": tmp_path, "PAIRS": 60, "SIZE": 64, "EPOCHS": 2}.items():
        monkeypatch.setenv(f"NOTEBOOK_{name}", str(value))
    # The kernel is this Python: a user's own kernels must not get in the way.
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    notebook = nbformat.read(NOTEBOOK, 4)
    client = NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    client.execute()
    assert len(list((tmp_path / "serving_model").glob("[0-9]*"))) == 1
    drawn = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    # Examples, predictions of each training, four pairs of curves, and the served prediction.
    assert len(drawn) >= 6
