"""How far an export is."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Shows how far an export is; this one shows nothing."""

    def track(self, items: Iterable[Item], what: str) -> Iterator[Item]:
        """Yields the items, and shows how many there were.

        Args:
            items: what is worked on.
            what: what is done with them.
        """
        yield from items


SILENT = Progress()
