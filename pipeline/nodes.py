"""Names of the DAG's nodes, for those who must check one before TFX is imported."""

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
"""Of every run; those judged on `eval` have no Pusher."""

OPTIONAL_NODES = ("Tuner",)


def check_node(flag: str, node: str | None) -> None:
    """Checks a node's name as given on the command line.

    Raises:
        UserError: There is no such node.
    """
    if node is None or node in (*NODES, *OPTIONAL_NODES):
        return
    by_lower = {name.lower(): name for name in NODES}
    near = difflib.get_close_matches(node.lower(), by_lower, n=1, cutoff=0.5)
    hint = f"did you mean {by_lower[near[0]]}?" if near else f"the nodes are {', '.join(NODES)}"
    raise UserError(f"{flag} {node}: there is no such node; {hint}")
