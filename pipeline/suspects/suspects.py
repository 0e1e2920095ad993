"""Examples whose labels a run's model disagrees with: ranked, drawn, and exported for correction."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from petseg.errors import UserError
from petseg.files.atomic import write_atomic
from petseg.files.local_folder import check_writable_folder
from pipeline.runs.run_folder import RunFolder
from pipeline.runs.run_log import STDERR, redirect_output
from pipeline.suspects.ranking import Suspect
from pipeline.suspects.run_artifacts import RunArtifacts, choose_run

PAGE_FILE, CSV_FILE, LOG_FILE, COCO_FOLDER = "suspects.html", "suspects.csv", "suspects.log", "coco"
COLUMNS = ("rank", "name", "split", "label_quality", "disagreeing", "mean_iou", "labeled", "predicted")


@dataclass(frozen=True)
class SuspectsOptions:
    """What to rank, and what to write.

    Attributes:
        run_id: The run; None: the newest that has evaluated a model.
        splits: Splits to rank; empty: the one that the run evaluated.
        number: How many examples are drawn and exported.
        folder: Folder to write into; None: `suspects` in the run's folder.
        export_coco: Whether photos and proposals are written as a COCO data set.
    """

    run_id: str | None = None
    splits: Sequence[str] = ()
    number: int = 50
    folder: Path | None = None
    export_coco: bool = False


@dataclass(frozen=True)
class FoundSuspects:
    """What was found and written.

    Attributes:
        run: The run.
        model: Folder of its model.
        suspects: All examples of the splits, the most suspicious first.
        page: The page with pictures.
        table: The CSV.
        coco: Folder of the COCO data set; None if none was asked for.
    """

    run: RunFolder
    model: Path
    suspects: list[Suspect]
    page: Path
    table: Path
    coco: Path | None

    @property
    def unknown(self) -> list[Suspect]:
        """The examples that could not be evaluated."""
        return [one for one in self.suspects if one.quality is None]

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "run": self.run.run_id,
            "model": str(self.model),
            "page": str(self.page),
            "csv": str(self.table),
            "coco": self.coco and str(self.coco),
            "examples": [one.to_dict(index + 1) for index, one in enumerate(self.suspects)],
        }


def find_suspects(output: Path, options: SuspectsOptions) -> FoundSuspects:
    """Ranks the examples of a run, and writes the page, the CSV and the COCO data set.

    Args:
        output: Output folder of the run.
        options: What to rank, and what to write.

    Raises:
        UserError: There is no such run, its model or examples are gone, or the files cannot be written.
    """
    run = choose_run(output, options.run_id)
    artifacts = RunArtifacts(output, run)
    model = artifacts.model()
    splits = dict.fromkeys(options.splits or [run.metrics["split"]])
    examples = {split: artifacts.examples(split) for split in splits}
    folder = options.folder or run.path / "suspects"
    coco = folder / COCO_FOLDER if options.export_coco else None
    if coco and coco.exists():
        raise UserError(
            f"--folder {folder}: {coco} exists, and may hold corrections; delete it, or name another folder"
        )
    check_writable_folder("--folder", folder)
    folder.mkdir(parents=True, exist_ok=True)
    with redirect_output(folder / LOG_FILE, STDERR) as terminal:
        # Only now TensorFlow, which writes to the log: nothing can be refused any more.
        from pipeline.suspects.evaluated_examples import EvaluatedExamples

        evaluated = EvaluatedExamples(run, model, examples, terminal)
        suspects = evaluated.ranked()
        shown = [one for one in suspects if one.quality is not None][: options.number]
        evaluated.write_page(shown, folder / PAGE_FILE)
        if coco:
            evaluated.export_coco(shown, coco)
    write_atomic(folder / CSV_FILE, _csv(suspects))
    return FoundSuspects(run, model, suspects, folder / PAGE_FILE, folder / CSV_FILE, coco)


def _csv(suspects: list[Suspect]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([*COLUMNS, "share", "reason"])
    for index, one in enumerate(suspects):
        if one.quality is None:
            rows.writerow(["", one.name, one.split, *[""] * 6, one.reason])
            continue
        most = one.confusions[0] if one.confusions else None
        numbers = (f"{value:.6f}" for value in (one.quality, one.disagreeing, one.mean_iou))
        pair = (most.labeled, most.predicted, f"{most.share:.6f}") if most else ("", "", "")
        rows.writerow([index + 1, one.name, one.split, *numbers, *pair, ""])
    return text.getvalue()
