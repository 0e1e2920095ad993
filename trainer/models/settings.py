"""Settings of the network: a union told apart by `architecture`, and by `encoder` where that has its own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, cast

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from petseg.class_table import ClassTable
from petseg.settings import Settings
from trainer.models import REGISTRY
from trainer.models.architecture import load_architecture
from trainer.models.encoders import REGISTRY as ENCODER_REGISTRY
from trainer.models.encoders import STRIDES
from trainer.models.encoders.encoder import load_encoder

STORED: Mapping[str, bool] = {"stored": True}
"""Validation context of settings that an earlier release wrote: keys that are not used are dropped."""

DEFAULTS = {"architecture": "unet", "encoder": "mobilenet_v2"}

LEAST_SIDE, MOST_SIDE, SIDE_STEP = 32, 2048, 32
"""Of the model's input, in pixels. Every feature of an encoder must halve evenly, to stride 32."""

Side = Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE)]


class ModelSettings(Settings):
    """Which network is built: the settings that all architectures share.

    `ModelSettings(architecture="fpn")` makes an `FPNSettings`, as `pathlib.Path` makes a path of the
    system's kind. Keys that the architecture and its encoder do not use are refused unless they have their
    default value.

    Examples:
        >>> settings = ModelSettings(architecture="fpn", pyramid_filters=64)
        >>> type(settings).__name__
        'FPNSettings'
    """

    architecture: str = Field(
        DEFAULTS["architecture"], description=f"Network to build. One of: {', '.join(REGISTRY)}."
    )
    encoder: str = Field(
        DEFAULTS["encoder"], description=f"Encoder of the network. One of: {', '.join(ENCODER_REGISTRY)}."
    )
    encoder_weights: str | None = Field(
        None,
        description="Path of a weights file, `imagenet` (downloaded by Keras), or null for random weights.",
    )
    encoder_taps: tuple[str, ...] | None = Field(
        None,
        description="Names of the encoder's layers to take the features from, at strides 2, 4, 8, 16 and 32 "
        "(segnet: 1, 2, 4, 8 and 16). null: the default layers.",
    )
    freeze_encoder: bool | str = Field(
        False,
        description="true: the encoder is not trained. Name of a block: the layers up to and including it "
        "are not trained.",
    )
    image_size: Side | tuple[Side, Side] = Field(
        128,
        description="Height and width of the model's input in pixels: one number, or [height, width]. "
        f"Multiples of {SIDE_STEP}.",
    )
    flip_tta: bool = Field(
        False,
        description="Average each prediction with that for the mirrored photo (test-time augmentation).",
    )

    def __new__(cls, /, **values: Any) -> ModelSettings:
        """An instance of the class that the values ask for."""
        return super().__new__(_settings_class(values) if cls is ModelSettings else cls)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by the names of architecture and encoder: the class for both is made when it is needed."""
        return _unpickle, (self.architecture, self.encoder, self.__getstate__())

    @model_validator(mode="wrap")
    @classmethod
    def _as_its_own_class(
        cls, values: Any, handler: ModelWrapValidatorHandler[ModelSettings], info: ValidationInfo
    ) -> ModelSettings:
        if not isinstance(values, Mapping):
            return handler(values)
        if cls is ModelSettings:
            return _settings_class(values).model_validate(values, context=info.context)
        return handler(cls._without_unused(values, stored=bool(info.context and info.context.get("stored"))))

    @classmethod
    def _without_unused(cls, values: Mapping[str, Any], stored: bool) -> dict[str, Any]:
        """Drops keys that only others use, where they say nothing; refuses them where they do."""
        used = {}
        for key, value in values.items():
            owners = [] if key in cls.model_fields else _owners(key)
            if not owners:
                used[key] = value
            elif not stored and not any(_is_default(field, value) for _, field in owners):
                architecture, encoder = (values.get(name, default) for name, default in DEFAULTS.items())
                can_use = ", ".join(name for name in cls.model_fields if name != "architecture")
                message = f"{architecture} with encoder {encoder} does not use it; it can use {can_use}"
                raise _refused(key, value, message)
        return used

    @field_validator("image_size", mode="before")
    @classmethod
    def _one_side_or_two(cls, size: Any) -> Any:
        """Checks here what the union of types would refuse twice, and makes one number of two equal ones."""
        sides = tuple(size) if isinstance(size, list | tuple) else (size,)
        if len(sides) not in (1, 2) or not all(type(side) is int for side in sides):
            raise ValueError("must be a whole number of pixels, or two: [height, width]")
        for side in sides:
            if not LEAST_SIDE <= side <= MOST_SIDE:
                raise ValueError(f"must be from {LEAST_SIDE} to {MOST_SIDE} pixels; received {side}")
            if side % SIDE_STEP:
                below = side // SIDE_STEP * SIDE_STEP
                raise ValueError(
                    f"must be a multiple of {SIDE_STEP}; {below} and {below + SIDE_STEP} are the "
                    f"nearest to {side}"
                )
        return sides if len(set(sides)) == 2 else sides[0]

    @field_validator("encoder")
    @classmethod
    def _known_encoder(cls, name: str) -> str:
        if name not in ENCODER_REGISTRY:
            raise ValueError(_unknown(name, ENCODER_REGISTRY))
        return name

    @model_validator(mode="after")
    def _encoder_fits(self) -> ModelSettings:
        architecture, encoder = load_architecture(self.architecture), load_encoder(self.encoder)
        if architecture.strides != STRIDES and self.encoder not in architecture.taps:
            raise _refused(
                "encoder",
                self.encoder,
                f"{self.architecture} needs features at strides {', '.join(map(str, architecture.strides))}; "
                f"{' and '.join(architecture.taps)} have them, {self.encoder!r} has not",
            )
        if self.encoder_weights and not encoder.application:
            raise _refused(
                "encoder_weights", self.encoder_weights, f"encoder {self.encoder} has none; must be null"
            )
        return self

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the model's input in pixels."""
        size = self.image_size
        return size if isinstance(size, tuple) else (size, size)

    def check_against(self, classes: ClassTable) -> None:
        """Checks the settings that depend on the data's classes.

        Raises:
            ValueError: A setting names a class that the data does not have.
        """


def own_fields() -> dict[str, dict[str, FieldInfo]]:
    """The settings that not all networks have, by what has them: `unet`, or `encoder plain`."""
    return {
        owner: {
            name: field for name, field in kind.model_fields.items() if name not in ModelSettings.model_fields
        }
        for owner, kind in _owner_classes().items()
    }


@cache
def _owner_classes() -> dict[str, type[Settings]]:
    classes: dict[str, type[Settings]] = {name: load_architecture(name).settings for name in REGISTRY}
    for name in ENCODER_REGISTRY:
        settings = load_encoder(name).settings
        if settings:
            classes[f"encoder {name}"] = settings
    return classes


def _owners(key: str) -> list[tuple[str, FieldInfo]]:
    return [(owner, fields[key]) for owner, fields in own_fields().items() if key in fields]


def _is_default(field: FieldInfo, value: Any) -> bool:
    try:
        given = TypeAdapter(field.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return False
    return bool(given == field.default)


def _settings_class(values: Mapping[str, Any]) -> type[ModelSettings]:
    names = {key: values.get(key, default) for key, default in DEFAULTS.items()}
    if names["architecture"] not in REGISTRY:
        message = _unknown(names["architecture"], REGISTRY)
        raise _refused("architecture", names["architecture"], message)
    # An unknown encoder is refused with the other fields.
    return _class_of(
        names["architecture"], names["encoder"] if names["encoder"] in ENCODER_REGISTRY else None
    )


@cache
def _class_of(architecture: str, encoder: str | None) -> type[ModelSettings]:
    """The architecture's settings, with those of the encoder where it has some."""
    settings = load_architecture(architecture).settings
    of_encoder = load_encoder(encoder).settings if encoder else None
    if of_encoder is None:
        return settings
    # Fields of later bases come first.
    bases: Any = (of_encoder, settings)
    combined: Any = create_model(settings.__name__, __base__=bases, __module__=__name__)
    return cast(type[ModelSettings], combined)


def _unpickle(architecture: str, encoder: str, state: dict[str, Any]) -> ModelSettings:
    kind = _class_of(architecture, encoder)
    settings = kind.__new__(kind)
    settings.__setstate__(state)
    return settings


def _unknown(name: Any, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it can be one of {', '.join(known)}"
    return f"is not known; received {name!r}; {hint}"


def _refused(key: str, value: Any, message: str) -> ValidationError:
    """An error of one key, as pydantic's own checks of fields give it."""
    error = PydanticCustomError("value_error", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "ModelSettings", [InitErrorDetails(type=error, loc=(key,), input=value)]
    )
