"""The SavedModel's signatures: their names from the export, their meaning from the Predictor's docstrings."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "trainer" / "export" / "export_model.py"


def signatures_page() -> str:
    """A section for each endpoint that `export_model` adds."""
    sections = []
    for name, method in endpoints().items():
        sections.append(f"## {name} {{ #{name} }}")
        sections.append(
            f"::: trainer.export.signatures.Predictor.{method}\n"
            "    options:\n"
            "      show_root_heading: false\n"
            "      show_root_toc_entry: false\n"
        )
    return "\n\n".join(sections)


def endpoints() -> dict[str, str]:
    """Name of each signature to the Predictor's method behind it."""
    found = {}
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="add_endpoint"),
                args=[ast.Constant(value=name), ast.Attribute(attr=method), *_],
            ):
                found[name] = method
    return found
