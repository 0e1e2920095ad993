"""Formats for other runtimes: their registry. One file a format."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from petseg.errors import UserError

if TYPE_CHECKING:
    from trainer.export.formats.export_format import ExportFormat

REGISTRY = {
    "onnx": "trainer.export.formats.onnx",
    "litert_float16": "trainer.export.formats.litert_float16",
    "litert_int8": "trainer.export.formats.litert_int8",
}
"""Name of a format to the module whose `FORMAT` describes it. Only what is exported to is imported."""


def load_format(name: str) -> ExportFormat:
    """Imports the file of a registered format, and no other.

    Raises:
        UserError: A package that it needs is not installed.
    """
    module = REGISTRY[name]
    try:
        export_format: ExportFormat = importlib.import_module(module).FORMAT
    except ModuleNotFoundError as error:
        raise UserError(
            f"the format {name} needs the package {error.name}: install the extra `export` "
            "(make setup EXTRAS='app export', or pip install 'petseg[export]')"
        ) from None
    return export_format
