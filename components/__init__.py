"""The nodes of the DAG, one folder each.

On Kubeflow and Vertex the name of an artifact type is `<package>.<class>`, by which a step imports the class.
Ours are `components.<class>`.
"""

import importlib

_ARTIFACT_TYPES = ("DataReport", "ExportedFiles", "GateReport", "RunReport")


def __getattr__(name: str) -> type:
    # Imported on access only: the settings are in this package, and must not import TFX.
    if name in _ARTIFACT_TYPES:
        return getattr(importlib.import_module("components.artifacts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
