"""Settings of the data: its path, format and classes, and how it is split and checked."""

import difflib
from typing import Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from components.example_gen.readers import READERS
from petseg.class_table import ClassTable
from petseg.errors import UserError, listed
from petseg.settings import Settings


class DataSettings(Settings):
    """Which photos and masks to read, and what they mean."""

    path: str | None = Field(
        None,
        description="Folder of the data set, or s3://bucket/folder or gs://bucket/folder. Format tfds: the "
        "data folder of TFDS.",
    )
    format: str = Field(
        "folder",
        description=f"Reader of the data set: {', '.join(READERS)}. auto: what the names of the files "
        "say; folder: images/ and masks/, or data.photos and data.masks; pets: the official layout of the "
        "Oxford-IIIT Pet data set; tfds: a TensorFlow Datasets builder.",
    )
    spans: Literal["all", "newest"] | PositiveInt | None = Field(
        None,
        description="Spans to train on, where data.path is a folder of spans (span-1, span-2, ... or "
        "2026-11-21, ...): all, newest or the newest N. Evaluation uses the test photos of all "
        "spans. null: no spans.",
    )
    tfds_builder: str | None = Field(
        None, description="Builder and version for format tfds, such as oxford_iiit_pet:4.*.*."
    )
    photos: str | None = Field(
        None,
        description="Pattern of the photos below data.path, such as images/*.jpg, */images/* or "
        "{split}/{city}/{id}_photo.png. * stands for any text in a name, ** for any folders, {split} for a "
        "folder of train, val or test, other {words} for text that data.masks can use. Format folder: null "
        "is images/**. Format tfds: name of the feature.",
    )
    masks: str | None = Field(
        None,
        description="Path of a photo's mask below data.path, such as masks/{stem}_mask.png. {name} is the "
        "photo's path below its folder without ending, {stem} its file name without ending, {dir} its "
        "folder; the ending .* stands for any. Without a folder: beside the photo. Formats coco and "
        "labelme: pattern of the annotation files. Format tfds: name of the feature.",
    )
    classes: ClassTable = Field(
        ClassTable(),
        description="Values, names, colors and sources of the classes. A run needs at least two.",
    )
    schema_file: str | None = Field(
        None,
        alias="schema",
        description="File of a curated schema of the small features; null: a schema made from the class "
        "table.",
    )
    slice_features: tuple[str, ...] = Field(
        ("slice/photo_size",),
        description="Features whose values slice the metrics. If sized_class is set, the default includes "
        "slice/<key>_size.",
    )
    eval_percent: int = Field(
        15, ge=1, le=50, description="Percentage of the train list that becomes `eval`."
    )
    photo_size_edges: tuple[int, int] = Field(
        (250, 450),
        description="Side in pixels (square root of the area) from which a photo is medium, and large.",
    )
    crowds: Literal["ignored", "labels"] | None = Field(
        None,
        description="Format coco: what annotations with iscrowd: 1 are. ignored: groups that were not told "
        "apart, whose pixels do not count; labels: labels of their category, as CVAT writes brushed masks. "
        "null: ignored, unless a file looks like CVAT's, which is refused.",
    )
    palette: Literal["index", "color"] | None = Field(
        None,
        description="Values of palette masks: their indices, or the gray levels of their colors. null: the "
        "levels of a mask whose colors are all gray and values of the class table, else the indices.",
    )
    mask_threshold: float | None = Field(
        None,
        gt=0,
        description="For masks of two classes, such as 0 and 255: from this level on, a pixel is of the "
        "class with the higher value. JPEG masks need it. null: masks hold values or colors.",
    )
    resize_masks: bool = Field(
        False,
        description="Resize masks of another size than their photo, by nearest neighbor. false: such pairs "
        "are broken.",
    )
    masks_follow_exif: bool | None = Field(
        None,
        description="Whether masks lie as their photo is stored, and are turned with it. Asked for only "
        "where photos are turned by EXIF and no size tells. null: the sizes of the pairs decide.",
    )
    photo_range: tuple[float, float] | None = Field(
        None,
        description="Samples of photos with more than 8 bits that become black and white, such as [0, 4095]. "
        "null: the whole range of 16 bits; floats are refused.",
    )
    metadata: str | None = Field(
        None,
        description="CSV or Parquet file below data.path, a row for each photo, with its name in one column. "
        "The other columns become the features label/<column>, which data.slice_features can name.",
    )
    group_by: str | None = Field(
        None,
        description="Column of data.metadata whose rows of one value stay in one split, such as patient. "
        "Only for data without lists.",
    )
    sized_class: str | None = Field(
        None, description="Class whose share of pixels defines the slice `slice/<key>_size`; null: none."
    )
    sized_class_edges: tuple[float, float] = Field(
        (0.15, 0.35), description="Share of pixels from which the sized class is medium, and large."
    )
    max_bad_fraction: float = Field(
        0.01, ge=0, le=1, description="Share of broken pairs above which the run stops."
    )
    max_pixels: int = Field(
        50_000_000, ge=1, description="Limit of pixels per image. Larger images are not decoded."
    )
    fingerprint: Literal["stat", "content"] = Field(
        "stat",
        description="How changed files are detected. stat: by name, size and time; content: by name and "
        "content.",
    )

    @field_validator("format")
    @classmethod
    def _has_a_reader(cls, name: str) -> str:
        if name not in READERS:
            near = difflib.get_close_matches(name, READERS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"must be one of {', '.join(READERS)}; received {name!r}{hint}")
        return name

    @model_validator(mode="after")
    def _slices_use_keys(self) -> "DataSettings":
        """Adds the sized class to the default slices, and accepts its name where its key belongs."""
        if self.sized_key is not None:
            feature = f"slice/{self.sized_key}_size"
            if "slice_features" not in self.model_fields_set:
                object.__setattr__(self, "slice_features", (*self.slice_features, feature))
            named = f"slice/{self.sized_class}_size"
            renamed = tuple(feature if name == named else name for name in self.slice_features)
            object.__setattr__(self, "slice_features", renamed)
        return self

    @property
    def sized_key(self) -> str | None:
        """Key of the class whose share defines the slice `slice/<key>_size`."""
        keys = dict(zip(self.classes.names, self.classes.keys, strict=True))
        return keys.get(self.sized_class) if self.sized_class is not None else None

    @model_validator(mode="after")
    def _consistent(self) -> "DataSettings":
        if self.spans is not None and self.format == "tfds":
            raise ValueError("spans must be null if data.format is tfds; a builder has no spans")
        if self.format == "tfds" and not self.tfds_builder:
            raise ValueError("tfds_builder must name a builder, such as oxford_iiit_pet:4.*.*")
        if self.sized_class is not None and self.sized_class not in self.classes.names:
            raise ValueError(
                f"sized_class must be null or one of {listed(self.classes.names)};"
                f" received {self.sized_class!r}"
            )
        if self.mask_threshold is not None and len(self.classes) not in (0, 2):
            raise ValueError(f"mask_threshold needs two classes; data.classes has {len(self.classes)}")
        if self.photo_range is not None and not self.photo_range[0] < self.photo_range[1]:
            raise ValueError(f"photo_range must be two increasing numbers; received {list(self.photo_range)}")
        if self.group_by is not None and self.metadata is None:
            raise ValueError("group_by is a column of data.metadata, which is not set")
        for key in ("photo_size_edges", "sized_class_edges"):
            low, high = getattr(self, key)
            if not 0 < low < high:
                raise ValueError(f"{key} must be two increasing numbers above 0; received [{low}, {high}]")
        return self

    def require_classes(self) -> None:
        """Raises a UserError if no classes are set."""
        if not self.classes:
            raise UserError(
                "data.classes is not set; list the value, name and color of each class, or use a config that "
                "does: --config configs/demo.yaml, or `extends: data/pets.yaml` in a config of your own"
            )
