"""The nodes of the DAG, one folder each.

On Kubeflow and Vertex an artifact's type is known by a name of the form `<package>.<class>`, and a step
imports the class by it: ours by `components.<class>`.
"""

import importlib

_ARTIFACT_TYPES = ("DataReport", "GateReport", "RunReport")


def __getattr__(name: str) -> type:
    # When asked for only: the settings are imported through this package, and must not wait for TFX.
    if name in _ARTIFACT_TYPES:
        return getattr(importlib.import_module("components.artifacts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
