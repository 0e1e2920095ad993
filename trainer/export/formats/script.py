"""The script beside an exported file, which runs it on a photo without TensorFlow and this project."""

from pathlib import Path

import jinja2

from petseg.files.atomic import write_atomic
from trainer.export.formats.export_format import ExportFormat
from trainer.settings import TrainingSettings

PILLOW_FILTERS = {"bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos3": "LANCZOS"}
"""Pillow's filters on float pixels compute what `tf.image.resize` does with antialiasing."""

AREA = "area"
"""Pillow's BOX takes whole pixels; TensorFlow's area takes parts of them."""


def write_script(export_format: ExportFormat, settings: TrainingSettings, folder: Path) -> None:
    """Writes the script that runs the files of a format.

    Args:
        export_format: What it runs.
        settings: Of the model: its photo size, interpolation, classes and `flip_tta`.
        folder: Where the exported file is.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    height, width = settings.model.input_size
    classes, transform = settings.classes, settings.transform
    text = environment.get_template(f"{export_format.script}.jinja").render(
        runtime=export_format.runtime,
        height=height,
        width=width,
        filter=PILLOW_FILTERS.get(transform.interpolation),
        flip=settings.model.flip_tta,
        fit=transform.fit,
        scale=transform.scale,
        overlap=transform.overlap_in((height, width)) if transform.fit == "tile" else 0,
        names=", ".join(f"{value} {name}" for value, name in zip(classes.values, classes.names, strict=True)),
        colors={
            value: tuple(int(channel) for channel in color)
            for value, color in zip(classes.values, classes.colors, strict=True)
        },
    )
    write_atomic(folder / export_format.script, text)
