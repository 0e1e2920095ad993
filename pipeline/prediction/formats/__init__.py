"""Formats of predicted masks beside PNG: one file a format, one line in the registry."""

import importlib
from pathlib import Path

from petseg.class_table import ClassTable
from pipeline.prediction.formats.mask_writer import MaskWriter

FORMATS = ("coco", "labelme", "rle", "polygons")
"""Each is a module here with a function `writer(output, classes)`."""


def mask_writer(name: str, output: Path, classes: ClassTable) -> MaskWriter:
    """The writer of a format, into an output folder."""
    module = importlib.import_module(f"pipeline.prediction.formats.{name}")
    writer: MaskWriter = module.writer(output, classes)
    return writer
