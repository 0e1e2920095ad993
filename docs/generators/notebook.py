"""The notebook as a page: its text and code, without outputs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "segmentation.ipynb"


def notebook_page() -> str:
    """The cells of the notebook as Markdown."""
    return "\n\n".join(_blocks(json.loads(NOTEBOOK.read_text(encoding="utf-8"))))


def _blocks(notebook: dict[str, Any]) -> Iterator[str]:
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        yield source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
