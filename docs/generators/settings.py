"""Every setting, from the settings' classes."""

import enum
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from pipeline.settings import PipelineSettings, describe_fields
from trainer.models.settings import own_fields


def settings_page() -> str:
    """Every setting with its type, range, default, and meaning, under a heading of its own."""
    sections: list[str] = []
    part = None
    for key, field in describe_fields():
        if key.partition(".")[0] != part:
            part = key.partition(".")[0]
            sections.append(f"## {part}")
            parent = PipelineSettings.model_fields.get(part)
            if "." in key and parent and parent.description:
                sections.append(parent.description)
        sections += _section(key, field)
    return "\n\n".join(sections) + "\n"


def _section(key: str, field: FieldInfo) -> Iterator[str]:
    # Only one heading per setting: the search of the site finds each by itself.
    if "." in key:
        yield f"#### `{key}` {{ #{key} }}"
    owners = _owners(key)
    used = f" Only with {', '.join(f'`{owner}`' for owner in owners)}." if owners else ""
    yield _escaped(field.description or "") + used
    limits = "".join(f", {text}" for text in _limits(field.metadata))
    yield f"{_type(field.annotation)}{limits}. Default: {_default(field)}.\n{{ .setting-type }}"
    for record in _records(field.annotation):
        rows = [
            f"| `{name}` | {_type(one.annotation)}{''.join(f', {text}' for text in _limits(one.metadata))} "
            f"| {'required' if one.is_required() else _default(one)} | {_cell(one.description or '')} |"
            for name, one in record.model_fields.items()
        ]
        yield f"Keys of {_type(record)}:"
        yield "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows])


def _owners(key: str) -> list[str]:
    """The architectures, or the encoder, that have a setting of `model`; none where all do."""
    if not key.startswith("model."):
        return []
    return [owner for owner, fields in own_fields().items() if key.removeprefix("model.") in fields]


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    """Classes below a type whose fields are no settings of their own, such as the entries of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _records(field.annotation)
        return
    for argument in get_args(annotation):
        yield from _records(argument)


def _type(annotation: Any) -> str:
    """The type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return "".join([_type(arguments[0]), *(f", {text}" for text in _limits(arguments[1:]))])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one) for one in arguments)
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin in (tuple, list):
        inner = dict.fromkeys(_type(one) for one in arguments if one is not Ellipsis)
        return f"list of {' and '.join(inner)}"
    if origin is dict:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    if annotation is types.NoneType:
        return "`null`"
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return " or ".join(f"`{one.value}`" for one in annotation)
    return {bool: "`true` or `false`", str: "string", int: "integer", float: "number"}.get(
        annotation, getattr(annotation, "__name__", str(annotation))
    )


def _limits(metadata: typing.Iterable[Any]) -> Iterator[str]:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for one in metadata:
        for name, text in words.items():
            if isinstance(one, annotated_types.BaseMetadata) and getattr(one, name, None) is not None:
                yield f"{text} {getattr(one, name)}"
        if isinstance(one, annotated_types.MinLen):
            yield f"at least {one.min_length} of them"
        if getattr(one, "pattern", None):
            yield f"matching `{one.pattern}`"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    value = to_jsonable_python(value, by_alias=True)
    # One line of YAML, as a config would have it.
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).splitlines()[0]
    return f"`{text}`"


def _escaped(text: str) -> str:
    """Plain text for Markdown: `runs/<name>` is no HTML."""
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*")


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")
