"""Runs the examples in the docstrings of functions that users call."""

import doctest
import importlib

import pytest

from tests.conftest import PROJECT

MODULES = [
    "pipeline.pipeline",
    "trainer.data.preprocessing",
    "trainer.export.signatures",
    "trainer.losses",
    "trainer.models",
    "trainer.models.settings",
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module, monkeypatch):
    monkeypatch.chdir(PROJECT)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted
    assert result.failed == 0
