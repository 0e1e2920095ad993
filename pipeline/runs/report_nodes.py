"""Completes a run's report with what no node can know: each node's seconds, memory and artifacts."""

from collections.abc import Mapping
from pathlib import Path

from components.run_report.templates import template_engine
from pipeline.runs.lineage import Lineage
from pipeline.runs.progress import NodeRow, duration

BEGIN, END = "<!--nodes-->", "<!--/nodes-->"
"""Between these the report lists the artifacts that its node was given."""


def complete_report(report: Path, run_id: str, rows: Mapping[str, NodeRow], lineage: Lineage) -> None:
    """Puts the table of the nodes and the traced artifacts into a report.

    Args:
        report: The page, as RunReport wrote it; written anew.
        run_id: The run.
        rows: How each node ended.
        lineage: What they made, and where that comes from.
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
    report.write_text(before + nodes + after, encoding="utf-8")
