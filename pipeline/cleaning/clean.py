"""What `clean` does: finds the store of an output folder, locks the folder, plans and removes."""

import os
from pathlib import Path

from ml_metadata import MetadataStore

from petseg.errors import UserError
from pipeline.cleaning.plan import Cleaning, carry_out, plan_cleaning
from pipeline.paths import Paths
from pipeline.runners.local.metadata.file import check_metadata_file
from pipeline.runners.local.metadata.store import open_server, sqlite_config
from pipeline.runs.lock import only_user
from pipeline.runs.run_folder import list_runs, newest_push_directory
from trainer.training.unfinished.record import RECORD_FILE, recorded_examples


def clean_output(output: Path, keep: int, *, dry_run: bool) -> Cleaning:
    """Removes what `plan_cleaning` says, or only plans it.

    Args:
        output: The output folder.
        keep: Number of newest runs with a report to keep.
        dry_run: Whether nothing is removed.

    Raises:
        UserError: It has no finished run, another process uses it, or its ML Metadata cannot be used.
    """
    newest = list_runs(output)[-1]
    with only_user(output):
        paths = Paths(str(output / "pipeline_root"), newest_push_directory(output), str(output / "work"))
        store = _open_store(output, newest.settings.get("metadata.url_variable"))
        examples = _examples_of_unfinished(Path(paths.checkpoints).resolve())
        cleaning = plan_cleaning(store, output, paths.push_directory, keep, examples)
        if not dry_run:
            carry_out(store, cleaning)
    return cleaning


def _examples_of_unfinished(checkpoints: Path) -> list[str]:
    """File patterns of the examples that the unfinished trainings were trained on."""
    patterns: list[str] = []
    for record in checkpoints.glob(f"*/{RECORD_FILE}"):
        patterns += recorded_examples(record.read_text(encoding="utf-8"), str(record.parent))
    return [os.path.normpath(pattern) for pattern in patterns]


def _open_store(output: Path, url_variable: str | None) -> MetadataStore:
    """The store that the newest run of an output folder recorded in."""
    if url_variable:
        return open_server(url_variable)
    database = output / "metadata.db"
    if not database.exists():
        raise UserError(f"{database} is missing; without it nothing tells which artifacts are needed")
    check_metadata_file(database)
    return MetadataStore(sqlite_config(database))
