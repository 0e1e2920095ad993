"""Progress of a run: a live table in a terminal, plain lines elsewhere."""

import logging
import time
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.runs.memory import PeakMemory

STYLES = {
    "waiting": "dim",
    "running": "bold cyan",
    "done": "green",
    "reused": "blue",
    "skipped": "dim",
    "failed": "bold red",
    "stopped": "bold yellow",
}


@dataclass
class NodeRow:
    """One node of the table.

    Attributes:
        state: A key of STYLES.
        seconds: How long it took; None before it ended.
        note: Why it ran, or its last message.
        started: Monotonic time of its start.
        peak_memory_mb: Of all processes of the run together while it ran; None before it ended.
    """

    state: str = "waiting"
    seconds: float | None = None
    note: str = ""
    started: float = 0.0
    peak_memory_mb: float | None = None


class RunProgress(logging.Handler):
    """Shows the nodes and their states, and, as a handler of the logger `petseg`, their messages.

    A log record with an attribute `progress` (a dict of epoch, epochs, step, steps, loss, mean_iou,
    seconds_left) updates the live line; all other records are printed.
    """

    def __init__(self, terminal: TextIO, node_ids: list[str], memory: PeakMemory):
        super().__init__(logging.INFO)
        self._memory = memory
        self.rows = {node_id: NodeRow() for node_id in node_ids}
        self._console = Console(file=terminal, highlight=False, soft_wrap=True)
        self._width = max((len(node_id) for node_id in node_ids), default=0)
        self._training = ""
        self._live = (
            Live(get_renderable=self._table, console=self._console, refresh_per_second=4)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> "RunProgress":
        logger = logging.getLogger("petseg")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("petseg").removeHandler(self)
        if self._live:
            self._live.stop()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a message, or updates the line of the training."""
        progress = getattr(record, "progress", None)
        if progress is None:
            self._line(f"{'':{self._width}}  {record.getMessage()}")
        else:
            self._training = describe_training(progress)

    def starts(self, node_id: str, why: str) -> None:
        """Marks a node as running."""
        self._memory.lap()
        self.rows[node_id] = NodeRow("running", note=why, started=time.monotonic())
        if not self._live:
            self._line(f"{node_id:{self._width}}  runs: {why}")

    def ends(self, node_id: str, state: str, note: str | None = None) -> None:
        """Marks a node as `done`, `reused`, `skipped`, `failed` or `stopped`."""
        row = self.rows[node_id]
        row.seconds = time.monotonic() - row.started if row.started else 0.0
        row.peak_memory_mb = self._memory.lap() if row.started else None
        row.state = state
        row.note = row.note if note is None else note
        self._training = ""
        if not self._live:
            took = f" in {duration(row.seconds)}" if state == "done" else ""
            message = f": {row.note}" if note else ""
            self._line(f"{node_id:{self._width}}  {state}{took}{message}")

    def seconds(self) -> dict[str, float]:
        """Seconds of each node; 0 if it was reused or did not run."""
        return {node_id: round(row.seconds or 0.0, 2) for node_id, row in self.rows.items()}

    def failed_node(self) -> str:
        """Name of the node that failed; empty if none did."""
        return next((node_id for node_id, row in self.rows.items() if row.state == "failed"), "")

    def _line(self, text: str) -> None:
        self._console.print(escape(text))

    def _table(self) -> Group:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("node")
        table.add_column("state", min_width=7)
        table.add_column("time", justify="right", min_width=8)
        table.add_column("")
        for node_id, row in self.rows.items():
            running = row.state == "running"
            seconds = time.monotonic() - row.started if running else row.seconds
            shown = duration(seconds) if seconds else ""
            table.add_row(
                node_id, Text(row.state, style=STYLES[row.state]), shown, Text(row.note, style="dim")
            )
        return Group(table, Text(self._training, style="cyan")) if self._training else Group(table)


def describe_training(progress: dict[str, float]) -> str:
    """The progress of the training in one line."""
    parts = [
        f"epoch {progress['epoch']:.0f}/{progress['epochs']:.0f}",
        f"step {progress['step']:.0f}/{progress['steps']:.0f}",
        f"loss {progress['loss']:.3f}",
    ]
    if progress.get("mean_iou") is not None:
        parts.append(f"mean IoU {progress['mean_iou']:.4f}")
    if progress.get("seconds_left") is not None:
        parts.append(f"{duration(progress['seconds_left'])} left")
    return "Training: " + "   ".join(parts)


def duration(seconds: float) -> str:
    """Formats seconds: `7.3 s`, `4 min 05 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
