"""Reads the YAML file of an experiment and the files that it extends."""

import difflib
import re
from pathlib import Path
from typing import Any

import yaml

from petseg.errors import UserError

EXTENDS = "extends"
CONFIG_DIR = "${config_dir}"

UNQUOTED_COLOR = re.compile(r"(\b(?:color|source|ignored_value):[ \t]+)(#[0-9a-fA-F]{6})\b")
"""A color that YAML would take for a comment."""


def read_config(path: Path, extended_by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Reads a config and merges it over the one that it extends.

    The top-level key `extends` names another config, relative to the file that holds the key. Mappings are
    merged key by key; for anything else the extending file wins. `${config_dir}` in a string is the folder of
    the file that holds it, so a config can name files beside it.

    Args:
        path: The YAML file.
        extended_by: Files whose `extends` led here.

    Returns:
        The settings as nested dicts, without `extends`.

    Raises:
        UserError: A file is missing or is not YAML, or a file extends itself.
    """
    file = path.resolve()
    if file in extended_by:
        raise UserError(f"config {extended_by[-1]}: `extends: {path}` makes a cycle")
    # The folder as it was given: if relative, it starts at the working directory, as all settings do.
    tree = _expand_config_dir(_read_yaml(path), str(path.parent))
    base = tree.pop(EXTENDS, None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise UserError(f"config {path}: extends must be the path of one YAML file; received {base!r}")
    return _merge(read_config(path.parent / base, (*extended_by, file)), tree)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = _parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"config {path} does not exist{_nearest_config(path)}") from None
    except OSError as error:
        raise UserError(f"config {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"config {path} is not valid YAML: {' '.join(str(error).split())}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"config {path} must hold keys and values; received {type(tree).__name__}")
    return tree


def _parse(text: str) -> Any:
    """Parses YAML, with class tables as people write them: `color: #444444`, and `name: no`."""
    loader = yaml.SafeLoader(UNQUOTED_COLOR.sub(r'\1"\2"', text))
    document = loader.get_single_node()
    if document is None:
        return None
    for data in _values(document, "data"):
        for table in _values(data, "classes"):
            _read_words_as_text(table)
    return loader.construct_document(document)


def _values(node: yaml.Node, key: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [value for name, value in node.value if name.value == key]


def _read_words_as_text(node: yaml.Node) -> None:
    """Takes yes, no, on and off for text, as YAML 1.2 does; PyYAML takes them for booleans."""
    if isinstance(node, yaml.ScalarNode):
        if node.tag.endswith(":bool") and node.value.lower() not in ("true", "false"):
            node.tag = "tag:yaml.org,2002:str"
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _read_words_as_text(key)
            _read_words_as_text(value)
    else:
        for entry in node.value:
            _read_words_as_text(entry)


def _nearest_config(path: Path) -> str:
    known = {str(entry): entry.name for entry in sorted(path.parent.glob("*.yaml"))}
    near = difflib.get_close_matches(path.name, known.values(), n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _expand_config_dir(value: Any, folder: str) -> Any:
    if isinstance(value, dict):
        return {key: _expand_config_dir(below, folder) for key, below in value.items()}
    if isinstance(value, list):
        return [_expand_config_dir(below, folder) for below in value]
    return value.replace(CONFIG_DIR, folder) if isinstance(value, str) else value


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
