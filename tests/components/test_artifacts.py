"""Artifact types, as a step on a cluster finds them."""

import inspect

import pytest
from tfx.types import Artifact
from tfx.utils.import_utils import import_class_by_path

from components import artifacts

TYPES = [
    name
    for name, found in inspect.getmembers(artifacts, inspect.isclass)
    if issubclass(found, Artifact) and found.__module__ == artifacts.__name__
]


@pytest.mark.parametrize("name", TYPES)
def test_a_step_imports_a_type_by_the_name_in_the_compiled_file(name):
    assert import_class_by_path(f"components.{name}") is getattr(artifacts, name)
