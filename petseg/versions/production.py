"""Finds the version in production, and checks whether it changed."""

from collections.abc import Sequence

from petseg.errors import UserError

NONE = "none"
"""The version in production if no model has been pushed."""


class ProductionChangedError(UserError):
    """The model in production is no longer the one that a push should replace."""


def highest(versions: Sequence[int]) -> str:
    """The version in production: the highest of those in a push folder, or `none`."""
    return str(max(versions, default=NONE))


def check_unchanged(directory: str, versions: Sequence[int], expected: str | None) -> None:
    """Checks that a version is still in production.

    Args:
        directory: The push folder.
        versions: The versions in it now.
        expected: The version, or `none`; None: not checked.

    Raises:
        ProductionChangedError: Another version is in production.
    """
    current = highest(versions)
    if expected is not None and current != expected:
        then, now = (
            f"version {version}" if version != NONE else "no model" for version in (expected, current)
        )
        raise ProductionChangedError(
            f"{directory}: production changed from {then} to {now} in the meantime; run again"
        )
