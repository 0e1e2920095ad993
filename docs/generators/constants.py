"""Constants of a module with their values and docstrings, read without importing it."""

import ast
import itertools
from pathlib import Path


def documented_constants(file: Path) -> dict[str, tuple[str, str]]:
    """Name to value and docstring of each string constant of a module that has a docstring."""
    constants = {}
    body = ast.parse(file.read_text(encoding="utf-8")).body
    for statement, following in itertools.pairwise(body):
        match statement, following:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                constants[name] = (value, " ".join(text.split()))
    return constants
