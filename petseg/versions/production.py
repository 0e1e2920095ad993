"""Which version is in production, and whether that is still the one that somebody has seen there."""

from collections.abc import Sequence

from petseg.errors import UserError

NONE = "none"
"""Stands for the version in production where no model has been pushed."""


class ProductionChangedError(UserError):
    """Another model came into production than the one that a push should replace."""


def highest(versions: Sequence[int]) -> str:
    """The version in production of those in a push folder: the highest, or `none`."""
    return str(max(versions, default=NONE))


def check_unchanged(directory: str, versions: Sequence[int], expected: str | None) -> None:
    """Checks that a version is still in production.

    Args:
        directory: The push folder.
        versions: Those in it now.
        expected: The version, or `none`; None: any will do.

    Raises:
        ProductionChangedError: Another one is.
    """
    current = highest(versions)
    if expected is not None and current != expected:
        then, now = (
            f"version {version}" if version != NONE else "no model" for version in (expected, current)
        )
        raise ProductionChangedError(
            f"{directory}: production changed from {then} to {now} in the meantime; run again"
        )
