"""Artifact types that TFX does not have."""

from tfx.types.artifact import Artifact


class DataReport(Artifact):
    """`data_report.json`: what was read, repaired, quarantined and left out."""

    TYPE_NAME = "DataReport"


class GateReport(Artifact):
    """`gate.json`: the data passed the gate."""

    TYPE_NAME = "GateReport"


class ExportedFiles(Artifact):
    """A model's files for other runtimes, scripts that run them, and `exports.json`; or nothing."""

    TYPE_NAME = "ExportedFiles"


class RunReport(Artifact):
    """`report.html`, `metrics.json`, `model_card.md` and `settings.yaml` of one run."""

    TYPE_NAME = "RunReport"
