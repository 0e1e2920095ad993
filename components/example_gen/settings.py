"""Settings of the data: where it lies, what its classes are, how it is split and checked."""

from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from petseg.class_table import ClassTable, SegmentationClass
from petseg.settings import Settings

PETS = ClassTable(
    classes=(
        SegmentationClass(value=1, name="pet", color="#f2a03d"),
        SegmentationClass(value=2, name="background", color="#2e4a62"),
        SegmentationClass(value=3, name="border", color="#f7f3e3"),
    )
)


class DataSettings(Settings):
    """Where the photos and masks are and what they mean."""

    path: str | None = Field(
        None,
        description="Folder of the data set, or s3://bucket/folder, gs://bucket/folder (for "
        "tfds: TFDS' data folder).",
    )
    format: Literal["pets", "folder", "tfds"] = Field(
        "pets", description="pets: official layout; folder: images/ and masks/; tfds: the TFDS builder."
    )
    spans: Literal["all", "newest"] | PositiveInt | None = Field(
        None,
        description="Where data.path is a folder of spans (span-1, span-2, ... or 2026-11-21, ...): those "
        "trained on are all, newest or the newest N; the test photos of all are judged. null: one data set.",
    )
    tfds_builder: str = Field("oxford_iiit_pet:4.*.*", description="Builder name, for format tfds.")
    classes: ClassTable = Field(PETS, description="Mask values, names and colours of the classes.")
    schema_file: str | None = Field(
        "pipeline/schema.pbtxt",
        alias="schema",
        description="Curated schema of the small features; null: made from the class table.",
    )
    slice_features: tuple[str, ...] = Field(
        ("label/species", "label/breed", "slice/photo_size", "slice/pet_size"),
        description="Features whose values slice the metrics.",
    )
    eval_percent: int = Field(15, ge=1, le=50, description="Share of the train list that becomes `eval`.")
    photo_size_edges: tuple[int, int] = Field(
        (250, 450), description="Side in pixels (root of the area) from which a photo is medium, large."
    )
    sized_class: str | None = Field(
        "pet", description="Class whose share of pixels makes the slice `slice/<name>_size`; null: none."
    )
    sized_class_edges: tuple[float, float] = Field(
        (0.15, 0.35), description="Share of pixels from which the sized class is medium, large."
    )
    max_bad_fraction: float = Field(
        0.01, ge=0, le=1, description="Share of broken pairs above which the run stops."
    )
    max_pixels: int = Field(50_000_000, ge=1, description="Pixels above which an image is a bomb.")
    fingerprint: Literal["stat", "content"] = Field(
        "stat", description="How changed files are noticed: names, sizes and times, or their content."
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_other_data(cls, values: Any) -> Any:
        """The defaults describe the pets; a folder of other data brings its own classes and no labels."""
        if not isinstance(values, dict) or values.get("format") != "folder":
            return values
        if "classes" not in values:
            raise ValueError(
                "classes must list the mask values, names and colours where data.format is folder"
            )
        sized = values.get("sized_class")
        sizes = ("slice/photo_size",) + ((f"slice/{sized}_size",) if sized else ())
        has_schema = "schema" in values or "schema_file" in values
        return (
            {"sized_class": None, "slice_features": sizes} | ({} if has_schema else {"schema": None}) | values
        )

    @model_validator(mode="after")
    def _consistent(self) -> "DataSettings":
        if self.spans is not None and self.format == "tfds":
            raise ValueError("spans must be null where data.format is tfds; a builder has none")
        if self.sized_class is not None and self.sized_class not in self.classes.names:
            raise ValueError(
                f"sized_class must be null or one of {', '.join(self.classes.names)};"
                f" received {self.sized_class!r}"
            )
        for key in ("photo_size_edges", "sized_class_edges"):
            low, high = getattr(self, key)
            if not 0 < low < high:
                raise ValueError(f"{key} must be two rising numbers above 0; received [{low}, {high}]")
        return self
