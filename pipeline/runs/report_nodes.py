"""Completes a run's report with time, memory and artifacts of the nodes, which no node can know."""

from collections.abc import Mapping
from pathlib import Path

from components.run_report.templates import template_engine
from petseg.files.atomic import write_atomic
from pipeline.runs.lineage import Lineage
from pipeline.runs.progress import NodeRow, duration

BEGIN, END = "<!--nodes-->", "<!--/nodes-->"
"""Between these, the report lists the input artifacts of its node."""


def complete_report(report: Path, run_id: str, rows: Mapping[str, NodeRow], lineage: Lineage) -> None:
    """Inserts the table of nodes and the lineage of artifacts into a report.

    Args:
        report: The page, as RunReport wrote it; rewritten.
        run_id: The run.
        rows: How each node ended.
        lineage: Their artifacts and the runs that made them.
    """
    before, _, rest = report.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    engine = template_engine("pipeline.runs")
    engine.filters["duration"] = duration
    nodes = engine.get_template("report_nodes.html.jinja").render(
        run_id=run_id,
        rows=rows,
        origins=lineage.origins,
        artifacts=lineage.artifacts,
        longest=max((row.seconds or 0 for row in rows.values()), default=0) or 1,
    )
    write_atomic(report, before + nodes + after)
