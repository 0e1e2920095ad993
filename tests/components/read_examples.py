"""Raw examples of a data set, made in this process without Beam."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.example_gen.checks import check_pairs, make_example
from components.example_gen.listing import list_pairs
from components.example_gen.report import Decision, data_report, decide
from components.example_gen.settings import DataSettings
from components.example_gen.storage.spool import Spool


@dataclass(frozen=True)
class Read:
    """What ExampleGen makes of a data set.

    Attributes:
        examples: By name, in the order in which they are written.
        splits: Split of each name.
        report: data_report.json.
    """

    examples: dict[str, tf.train.Example]
    splits: dict[str, str]
    report: dict[str, Any]

    def reasons(self, kind: str = "quarantined") -> dict[str, str]:
        """Reason by file."""
        return {note["file"]: note["reason"] for note in self.report[kind]}


def read(scratch: Path, data: DataSettings) -> Read:
    """Does what the executor does: lists and checks the pairs, decides, and makes the examples.

    Raises:
        UserError: As the executor.
    """
    listing = list_pairs(data, str(scratch / "scratch"))
    checked = Spool(check_pairs(listing.pairs, data))
    decision: Decision = decide(listing, checked, data)
    return Read(
        {pair.source.name: make_example(pair, data) for pair in decision.pairs},
        {pair.source.name: pair.source.split for pair in decision.pairs},
        data_report(listing, decision, data),
    )
