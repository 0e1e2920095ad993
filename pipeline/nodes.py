"""Names of the DAG's nodes, so that they can be checked before TFX is imported."""

import difflib

from petseg.errors import UserError

NODES = (
    "SegmentationExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "ProductionModel",
    "DatasetGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Pusher",
    "RunReport",
)
"""Nodes of every run. A run with `evaluation.split: eval` has no Pusher."""

OPTIONAL_NODES = ("Tuner",)


def check_node(flag: str, node: str | None) -> None:
    """Checks the name of a node that was given on the command line.

    Raises:
        UserError: There is no such node.
    """
    if node is None or node in (*NODES, *OPTIONAL_NODES):
        return
    by_lower = {name.lower(): name for name in NODES}
    near = difflib.get_close_matches(node.lower(), by_lower, n=1, cutoff=0.5)
    hint = f"did you mean {by_lower[near[0]]}?" if near else f"the nodes are {', '.join(NODES)}"
    raise UserError(f"{flag} {node}: there is no such node; {hint}")
