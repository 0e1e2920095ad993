"""The results of a local run: the run's folder, the outcome and the exit status."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from petseg.evaluation.files import EVALUATION_FILE, PHOTOS_FILE, evaluation_file
from petseg.evaluation.resolutions import FORMER_NATIVE
from petseg.evaluation.words import against_best, few_examples, interval_in_words
from petseg.files.atomic import atomic_file, write_atomic
from petseg.files.object_store import as_path
from pipeline.settings import PipelineSettings

PUBLISHED_FILES = {
    ("RunReport", "report"): ("report.html", "model_card.md", "settings.yaml"),
    ("DatasetGate", "gate"): ("gate.json",),
    ("Trainer", "model_run"): ("history.json",),
    ("Evaluator", "evaluation"): (PHOTOS_FILE, EVALUATION_FILE),
    ("Pusher", "pushed_model"): ("push.json",),
}
"""Files that are copied to the run's folder, by node and output."""

LATEST_LINK = "latest"
"""Link in the output folder to the newest run that reached its report."""

DONE = 0
NODE_FAILED = 1
CALLER_MUST_CHANGE = 2
REFUSED = 3
INTERRUPTED = 130


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: Exit status of the command.
        verdict: `blessed`, `refused`, `done` (up to the node that was asked for), `interrupted` or `error`.
        reason: Why.
        lines: What to tell the person, most important first.
        model: Version's folder in production if this run's model is there; else None.
        run_id: The run; None where none was started.
        log: Its log file; None where none was started.
        folder: Its folder `DIR/runs/<run id>`; None where none was started.
    """

    status: int
    verdict: str
    reason: str
    lines: list[str]
    model: str | None = None
    run_id: str | None = None
    log: Path | None = None
    folder: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `run --json`; files that the run did not write are null."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "verdict": self.verdict,
            "reason": self.reason,
            "model": self.model,
            "report": self._published("report.html"),
            "metrics": self._published("metrics.json"),
            "log": self.log and str(self.log.resolve()),
        }

    def _published(self, name: str) -> str | None:
        path = self.folder and (self.folder / name).resolve()
        return str(path) if path and path.is_file() else None


def publish_run(
    output_uri: Callable[[str, str], str | None],
    run_folder: Path,
    seconds: dict[str, float],
    peak_memory_mb: float,
) -> dict[str, Any]:
    """Publishes the files and the metrics, with the time and memory that no node can know.

    Args:
        output_uri: Returns the URI of a node's output; None if the run has no such node.
        run_folder: `DIR/runs/<run id>`; created here.
        seconds: Seconds of each node, 0 if reused.
        peak_memory_mb: Peak of all processes of the run together, in MB.

    Returns:
        The metrics.
    """
    publish_files(output_uri, run_folder)
    metrics = json.loads(Path(f"{output_uri('RunReport', 'report')}/metrics.json").read_text())
    metrics |= {"seconds": seconds, "peak_memory_mb": round(peak_memory_mb)}
    _write_metrics(run_folder, metrics)
    return metrics


def link_latest(run_folder: Path) -> None:
    """Points the link `DIR/latest` to the newest run that reached its report."""
    link = run_folder.parents[1] / LATEST_LINK
    if link.exists() and not link.is_symlink():
        return
    unfinished = link.with_name(f".{LATEST_LINK}.partial")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(run_folder.relative_to(link.parent), target_is_directory=True)
    unfinished.replace(link)


def publish_files(output_uri: Callable[[str, str], str | None], run_folder: Path) -> None:
    """Copies the files of the nodes that ran to the run's folder.

    Args:
        output_uri: Returns the URI of a node's output; None if the run has no such node.
        run_folder: `DIR/runs/<run id>`; created here.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    for output, names in PUBLISHED_FILES.items():
        uri = output_uri(*output)
        for name in names if uri else ():
            # `--from` may take an evaluation of the last release.
            source = evaluation_file(os.listdir(uri)) if name == EVALUATION_FILE else name
            with atomic_file(run_folder / source) as unfinished:
                shutil.copy(f"{uri}/{source}", unfinished)


def publish_stop(
    settings: PipelineSettings,
    run_folder: Path,
    reason: str,
    seconds: dict[str, float],
    peak_memory_mb: float,
) -> None:
    """Writes metrics.json and the settings of a run that stopped at a node."""
    write_atomic(run_folder / "settings.yaml", settings.to_yaml())
    _write_metrics(
        run_folder,
        {
            "model": None,
            "native": None,
            FORMER_NATIVE: None,
            "mean_iou_interval": None,
            "split": settings.evaluation.split,
            "examples": None,
            "blessed": False,
            "reason": reason,
            "baseline": None,
            "settings_sha256": settings.sha256(),
            "seconds": seconds,
            "peak_memory_mb": round(peak_memory_mb),
        },
    )


def verdict(
    metrics: dict[str, Any], push: dict[str, Any] | None, push_directory: str, run_folder: Path
) -> Outcome:
    """Describes how a run ended that reached its report.

    Args:
        metrics: The content of metrics.json.
        push: The content of the Pusher's push.json; None if the run has no Pusher.
        push_directory: Folder of the pushed versions.
        run_folder: The run's folder.
    """
    blessed, reason = metrics["blessed"], metrics["reason"]
    word = "blessed" if blessed else "refused"
    lines = [f"{word}: {reason}"]
    if metrics.get("mean_iou_interval"):
        interval = interval_in_words(metrics["mean_iou_interval"])
        lines.append(f"native   mean IoU {metrics['native']['mean_iou']:.4f}, {interval}")
    if warning := few_examples(metrics["examples"], metrics["split"]):
        lines.append(f"warning  {warning}")
    if push and push.get("best_kept"):
        lines.append(f"best     {against_best(push['best_kept'])}")
    model = None
    if push is not None and blessed:
        model = f"{push_directory}/{push['version']}"
        pushed = as_path(push_directory) / push["version"]
        is_near = isinstance(pushed, Path) and pushed.is_relative_to(Path.cwd())
        shown = pushed.relative_to(Path.cwd()) if is_near else pushed
        lines.append(f"model    {shown}" + ("" if push["pushed"] else " (already in production)"))
    elif push is None:
        lines.append(f"model    not pushed: evaluated on {metrics['split']} only")
    lines.append(f"report   {run_folder / 'report.html'}")
    refused = not blessed and push is not None
    return Outcome(REFUSED if refused else DONE, word, reason, lines, model)


def _write_metrics(run_folder: Path, metrics: dict[str, Any]) -> None:
    write_atomic(run_folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
