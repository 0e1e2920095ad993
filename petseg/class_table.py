"""The classes of a data set: their names, their values in masks, and what stands for them in its files."""

import re
import unicodedata
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from petseg.class_colors import distinct_colors
from petseg.class_forms import Source, as_hex, in_full, is_color, read_sources

CLASS_ID_IGNORED = 255
"""Class id (uint8) of an ignored pixel, from Transform on."""

MOST_CLASSES = 254
"""A byte also holds the ignored value, and the class id of ignored pixels."""

LONGEST_NAME = 60
"""Letters of a class name."""


class SegmentationClass(BaseModel):
    """One class: its value in the masks, its name, its color in pictures, and its sources in the files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: int = Field(ge=0, le=255, description="Value of the class in every mask that is written.")
    name: str = Field(description="Name in settings and reports, as people write it.")
    color: str = Field("", description="Color in overlays and palettes, as #rrggbb; empty: chosen.")
    source: tuple[Source, ...] = Field(
        (),
        description="What stands for the class in the files: numbers of any size, colors as #rrggbb, names "
        "of labels. Empty: its value, in color masks its color, in label formats its name.",
    )

    @field_validator("name", mode="before")
    @classmethod
    def _name_is_text(cls, name: Any) -> Any:
        if isinstance(name, bool) or not isinstance(name, str | int | float):
            read = str(name).lower() if isinstance(name, bool) else name
            raise ValueError(f'the name of a class must be text; YAML reads {read!r}: write name: "..."')
        text = unicodedata.normalize("NFC", str(name)).strip()
        if not text or not text.isprintable():
            raise ValueError(f"the name of a class must be printable text; received {name!r}")
        if len(text) > LONGEST_NAME:
            raise ValueError(
                f"the name of a class must have at most {LONGEST_NAME} letters; received {text!r}"
            )
        return text

    @field_validator("value", mode="before")
    @classmethod
    def _value_fits_a_mask(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= 255:
            raise ValueError(
                f"the value of a class must be 0 to 255; received {value}: give the class a free value, and "
                f"source: {value} for the number in the files"
            )
        return value

    @field_validator("color", mode="before")
    @classmethod
    def _color_is_hex(cls, color: Any) -> Any:
        if color is None:
            raise ValueError(
                'the color of a class is empty: YAML takes # for a comment; write color: "#444444", in quotes'
            )
        text = as_hex(color)
        if color == "" or is_color(text):
            # As it was written: results of earlier releases hold it so.
            return color if isinstance(color, str) else text
        raise ValueError(f'the color of a class must be as in color: "#444444"; received {color!r}')

    @field_validator("source", mode="before")
    @classmethod
    def _several_sources(cls, source: Any) -> Any:
        if source is None:
            raise ValueError(
                'the source of a class is empty: YAML takes # for a comment; write source: "#444444", in '
                "quotes"
            )
        return read_sources(source)

    @cached_property
    def key(self) -> str:
        """The name in features, TFMA metrics and thresholds: a-z, 0-9 and _."""
        return class_key(self.name, self.value)


def class_key(name: str, value: int) -> str:
    """The key of a class: its name in a-z, 0-9 and _, or `class_<value>` if nothing is left of it."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "_", letters).strip("_") or f"class_{value}"


class ClassTable(BaseModel):
    """The classes of a data set. The id of a class inside the model is its index in this table.

    A table has at least two classes, or none while the settings name none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: tuple[SegmentationClass, ...] = ()
    ignored_value: Source | tuple[Source, ...] | None = Field(
        None,
        description="What neither the loss nor the metrics count: a number in the masks, a color, the name "
        "of a label, or a list of these.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short_forms(cls, table: Any) -> Any:
        return in_full(table)

    @field_validator("ignored_value", mode="before")
    @classmethod
    def _several_ignored(cls, ignored: Any) -> Any:
        if ignored is None or (isinstance(ignored, int) and not isinstance(ignored, bool) and ignored >= 0):
            return ignored
        sources = read_sources(ignored)
        return sources[0] if len(sources) == 1 else sources or None

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[SegmentationClass, ...]) -> tuple[SegmentationClass, ...]:
        if len(classes) == 1:
            raise ValueError("a class table must have at least two classes; received one")
        if len(classes) > MOST_CLASSES:
            raise ValueError(
                f"a class table must have at most {MOST_CLASSES} classes; received {len(classes)}: give "
                "a class several sources to merge classes"
            )
        for attribute in ("value", "name"):
            seen = [getattr(entry, attribute) for entry in classes]
            repeated = sorted({item for item in seen if seen.count(item) > 1})
            if repeated:
                raise ValueError(f"class {attribute}s must be unique; {repeated[0]!r} is duplicated")
        first: dict[str, SegmentationClass] = {}
        for entry in classes:
            if (other := first.setdefault(entry.key, entry)) is not entry:
                raise ValueError(
                    f"{other.name!r} and {entry.name!r} have the same key, {entry.key}, in metrics; "
                    "change one of them"
                )
        return cls._with_colors(classes)

    @classmethod
    def _with_colors(cls, classes: tuple[SegmentationClass, ...]) -> tuple[SegmentationClass, ...]:
        """Chooses the colors that are not given."""
        missing = sum(not entry.color for entry in classes)
        if not missing:
            return classes
        chosen = iter(distinct_colors(missing, [entry.color for entry in classes if entry.color]))
        return tuple(
            entry if entry.color else entry.model_copy(update={"color": next(chosen)}) for entry in classes
        )

    @model_validator(mode="after")
    def _sources_are_unique(self) -> "ClassTable":
        owners: dict[Source, SegmentationClass] = {}
        for entry in self.classes:
            for source in entry.source or (entry.value,):
                if (other := owners.setdefault(source, entry)) is not entry:
                    raise ValueError(
                        f"the source {source!r} stands for {other.name} and {entry.name}; give it to one, "
                        "or merge the two classes into one with both sources"
                    )
        for source in self.ignored_sources:
            if source in owners:
                owner = owners[source]
                whose = (
                    f"a source of class {owner.name}"
                    if owner.source
                    else f"the value of a class, {owner.name}"
                )
                raise ValueError(f"ignored_value {source} is also {whose}")
        return self

    @cached_property
    def ignored_sources(self) -> tuple[Source, ...]:
        """What stands for ignored pixels in the files."""
        if self.ignored_value is None:
            return ()
        return self.ignored_value if isinstance(self.ignored_value, tuple) else (self.ignored_value,)

    @cached_property
    def stored_ignored(self) -> int | None:
        """The value of ignored pixels in masks that are written; None where nothing is ignored.

        It is the first of `ignored_value` that is at most 255 and no class's value, else the highest that is
        free.
        """
        if not self.ignored_sources:
            return None
        numbers = [source for source in self.ignored_sources if isinstance(source, int)]
        free = (number for number in (*numbers, *range(255, -1, -1)) if number <= 255)
        return next(number for number in free if number not in self.values)

    @cached_property
    def values(self) -> tuple[int, ...]:
        """Mask values in the order of class ids."""
        return tuple(entry.value for entry in self.classes)

    @cached_property
    def known_values(self) -> tuple[int, ...]:
        """Values of masks that are written: those of the classes, and that of ignored pixels."""
        return self.values if self.stored_ignored is None else (*self.values, self.stored_ignored)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of class ids."""
        return tuple(entry.name for entry in self.classes)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys of the classes in the order of class ids."""
        return tuple(entry.key for entry in self.classes)

    @cached_property
    def colors(self) -> tuple[tuple[int, int, int], ...]:
        """RGB colors, 0 to 255, in the order of class ids."""
        red_green_blue = (bytes.fromhex(entry.color[1:]) for entry in self.classes)
        return tuple((red, green, blue) for red, green, blue in red_green_blue)

    @cached_property
    def value_of_number(self) -> dict[int, int]:
        """The value of each number that masks of numbers may hold."""
        return self._value_of(lambda source: isinstance(source, int), lambda entry: entry.value)

    @cached_property
    def value_of_color(self) -> dict[str, int]:
        """The value of each color, #rrggbb in lower case, that color masks may hold."""
        return self._value_of(is_color, lambda entry: entry.color.lower())

    @cached_property
    def value_of_label(self) -> dict[str, int]:
        """The value of each name of a label."""
        return self._value_of(
            lambda source: isinstance(source, str) and not is_color(source), lambda entry: entry.name
        )

    def _value_of(self, is_kind: Any, default: Any) -> dict[Any, int]:
        """Sources of one kind. A class without one has its default, unless another class or none has it."""
        found = {source: entry.value for entry in self.classes for source in entry.source if is_kind(source)}
        if self.stored_ignored is not None:
            found |= {source: self.stored_ignored for source in self.ignored_sources if is_kind(source)}
        without = [entry for entry in self.classes if not any(map(is_kind, entry.source))]
        defaults = [default(entry) for entry in without]
        for entry, source in zip(without, defaults, strict=True):
            if defaults.count(source) == 1:
                found.setdefault(source, entry.value)
        return found

    def __len__(self) -> int:
        return len(self.classes)
