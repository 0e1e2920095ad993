"""What is known of a data set that was recognized."""

from dataclasses import dataclass, field
from typing import Any

from components.example_gen.looks.recognition.label_maps import LabelMap
from components.example_gen.looks.recognition.pairing import Pairing


@dataclass(frozen=True)
class Recognized:
    """A data set that was recognized.

    Attributes:
        format: A value of `data.format`.
        title: What people call it.
        below: Folder below the one looked at; empty where that is it.
        grounds: Why it is this format, one reason each.
        settings: Settings of `data` beside path, format and classes.
        labels: What the shapes of annotations are called: names, or numbers where they have none.
        pairing: Of format folder.
        label_map: Names of mask values or colors, where a file has them.
    """

    format: str
    title: str
    below: str = ""
    grounds: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str | int, ...] = ()
    pairing: Pairing | None = None
    label_map: LabelMap | None = None
