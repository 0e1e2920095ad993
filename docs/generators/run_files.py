"""What a run leaves in its output folder, from the constants that name the files."""

from pathlib import Path

from generators.constants import documented_constants

PETSEG = Path(__file__).parents[2]


def run_files_page() -> str:
    """The files of a run's folder and of a SavedModel."""
    return "\n\n".join(
        [
            "## `DIR/runs/<run id>/`",
            _table("pipeline/runs/run_folder.py", "petseg/evaluation/files.py"),
            "## `assets.extra/` in each SavedModel",
            _table("petseg/saved_model.py"),
        ]
    )


def _table(*modules: str) -> str:
    rows = [
        f"| `{value}` | {text} |"
        for module in modules
        for name, (value, text) in documented_constants(PETSEG / module).items()
        if name.endswith("_FILE") and not name.startswith("FORMER_")
    ]
    return "\n".join(["| file | content |", "|---|---|", *rows])
