"""The classes of a data set."""

from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CLASS_ID_IGNORED = 255
"""Class id (uint8) of an ignored pixel, from Transform on."""

HEX_COLOR = r"^#[0-9a-fA-F]{6}$"


class SegmentationClass(BaseModel):
    """One class: its value in the masks, its name, and its color in pictures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: int = Field(ge=0, le=255, description="Value of the class in the mask files.")
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="Name in metrics and reports.")
    color: str = Field(pattern=HEX_COLOR, description="Color in overlays and palettes, as #rrggbb.")


class ClassTable(BaseModel):
    """The classes of a data set. The id of a class inside the model is its index in this table.

    A table has at least two classes, or none while the settings name none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: tuple[SegmentationClass, ...] = Field((), max_length=254)
    ignored_value: int | None = Field(
        None, ge=0, le=255, description="Mask value that neither the loss nor the metrics count."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        """Reads a bare list of classes as a table without an ignored value."""
        return {"classes": value} if isinstance(value, list | tuple) else value

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[SegmentationClass, ...]) -> tuple[SegmentationClass, ...]:
        if len(classes) == 1:
            raise ValueError("a class table must have at least two classes; received one")
        for attribute in ("value", "name"):
            seen = [getattr(entry, attribute) for entry in classes]
            repeated = sorted({item for item in seen if seen.count(item) > 1})
            if repeated:
                raise ValueError(f"class {attribute}s must be unique; {repeated[0]!r} is duplicated")
        return classes

    @model_validator(mode="after")
    def _ignored_is_no_class(self) -> "ClassTable":
        if self.ignored_value in self.values:
            raise ValueError(f"ignored_value {self.ignored_value} is also the value of a class")
        return self

    @cached_property
    def values(self) -> tuple[int, ...]:
        """Mask values in the order of class ids."""
        return tuple(entry.value for entry in self.classes)

    @cached_property
    def known_values(self) -> tuple[int, ...]:
        """Mask values of the classes, and the ignored one where there is one."""
        return self.values if self.ignored_value is None else (*self.values, self.ignored_value)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of class ids."""
        return tuple(entry.name for entry in self.classes)

    @cached_property
    def colors(self) -> tuple[tuple[int, int, int], ...]:
        """RGB colors, 0 to 255, in the order of class ids."""
        red_green_blue = (bytes.fromhex(entry.color[1:]) for entry in self.classes)
        return tuple((red, green, blue) for red, green, blue in red_green_blue)

    def __len__(self) -> int:
        return len(self.classes)
