"""The artifacts that TFX has no type for: what was read, what the gate said, the page of a run."""

from tfx.types.artifact import Artifact


class DataReport(Artifact):
    """`data_report.json`: what was read, repaired, quarantined and left out."""

    TYPE_NAME = "DataReport"


class GateReport(Artifact):
    """`gate.json`: that the data may go on."""

    TYPE_NAME = "GateReport"


class RunReport(Artifact):
    """`report.html`, `metrics.json`, `model_card.md` and `settings.yaml` of one run."""

    TYPE_NAME = "RunReport"
