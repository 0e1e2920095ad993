"""`--from` and `--to`: which nodes a partial run may run, and which must have results already."""

from collections.abc import Collection

from tfx.proto.orchestration import pipeline_pb2

from petseg.errors import UserError

LOOKING_OUTSIDE = ("ProductionModel", "DatasetGate")
"""Nodes before `--from` that run nevertheless: a model may be in production that the last run did not see."""


class PartialRun:
    """A part of the DAG.

    A node before `from_node` is not run: its newest execution with the same inputs, settings and code must
    have left results. TFX's own partial run takes the results of the last run by the clock, whatever its
    settings were, and the production model that this run has seen.

    Args:
        ir: The compiled DAG.
        from_node: First node to run; None: from the start.
        to_node: Last node to run; None: to the end.

    Raises:
        UserError: `to_node` does not come after `from_node`.
    """

    def __init__(self, ir: pipeline_pb2.Pipeline, from_node: str | None, to_node: str | None):
        self._before = {
            node.pipeline_node.node_info.id: set(node.pipeline_node.upstream_nodes) for node in ir.nodes
        }
        self._from = from_node
        self._wanted = self._with_ancestors([to_node] if to_node else self._before)
        if from_node is not None and from_node not in self._wanted:
            raise UserError(f"--from {from_node} --to {to_node}: {to_node} does not come after {from_node}")
        self._kept = self._with_ancestors(self._before[from_node]) if from_node else set()
        self._kept -= set(LOOKING_OUTSIDE)

    def is_wanted(self, node: str) -> bool:
        """Whether the run needs the node; the others are skipped."""
        return node in self._wanted

    def must_have_results(self, node: str) -> bool:
        """Whether the node comes before `from_node`, so that it may be reused but not run."""
        return node in self._kept

    def refusal(self, node: str, why: str) -> UserError:
        """The error for a node that must have results and has none.

        Args:
            node: The node.
            why: What differs from its last execution.
        """
        if why == "first run":
            return UserError(
                f"--from needs an earlier run in this output whose results it can use, and {node} has none; "
                "run without --from first"
            )
        return UserError(
            f"--from {self._from}: {node} has no results for these settings and must run first ({why}); "
            f"run without --from, or with --from {node}"
        )

    def _with_ancestors(self, nodes: Collection[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting.extend(self._before[node])
        return found
