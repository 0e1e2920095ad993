"""The engine of the pages' templates, and how numbers are written on them."""

import jinja2
import numpy as np

ABSENT = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def template_engine(package: str) -> jinja2.Environment:
    """Loads templates from a package, or from beside this module, where the style is.

    Args:
        package: Name of the package.
    """
    engine = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(name, ".") for name in (package, "components.run_report")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters["number"] = number
    engine.filters["change"] = change
    engine.filters["signed"] = signed
    engine.filters["count"] = count
    engine.filters["label"] = lambda name: name.rsplit("/", 1)[-1].replace("_", " ")
    engine.filters["upper_first"] = lambda text: text[:1].upper() + text[1:]
    engine.filters["percent"] = lambda value, digits=1: f"{100 * value:.{digits}f}%"
    return engine


def number(value: float | None, digits: int = 3) -> str:
    """A metric's value; a dash where it does not exist."""
    return ABSENT if value is None or np.isnan(value) else f"{value:.{digits}f}"


def count(value: float, noun: str) -> str:
    """A number of things: 1 epoch, 2 epochs."""
    return f"{value:,g} {noun}{'' if value == 1 else 's'}"


def signed(value: float | None, digits: int = 3) -> str:
    """A difference with its sign; a dash where it does not exist."""
    return ABSENT if value is None or np.isnan(value) else f"{value:+.{digits}f}".replace("-", _MINUS)


def change(value: float | None, before: float | None) -> str:
    """The difference from an earlier value, signed."""
    return ABSENT if value is None or before is None else signed(value - before)
