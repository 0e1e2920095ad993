"""A sequence of small objects in a temporary file, so that memory does not grow with the data set."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, overload

T = TypeVar("T")

MOST_IN_MEMORY = 2**22
"""Bytes up to which no file is made."""


class Spool(Sequence[T]):
    """Objects as pickled blocks in a temporary file. Per block, 8 bytes stay in memory.

    It is made for going through from the first to the last; an index reads one block. An object that has many
    others behind it would be written with them, so items should be as small as Beam wants them too.

    Examples:
        >>> squares = Spool((number**2 for number in range(1000)), block=64)
        >>> len(squares), squares[-1], sum(1 for _ in squares)
        (1000, 998001, 1000)
    """

    def __init__(self, items: Iterable[T] = (), block: int = 64):
        """Stores the items.

        Args:
            items: Read once, never held as a whole.
            block: Items that are written together. 1 suits random access.
        """
        # Open as long as the sequence is there.
        self._file = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY)  # noqa: SIM115
        self._block = block
        self._starts = array("q", [0])
        self._count = 0
        self._pending: list[T] = []
        self._last: tuple[int, list[T]] = (-1, [])
        for item in items:
            self.append(item)

    def append(self, item: T) -> None:
        """Adds an item at the end."""
        self._pending.append(item)
        self._count += 1
        if len(self._pending) == self._block:
            self._file.seek(self._starts[-1])
            self._file.write(pickle.dumps(self._pending, pickle.HIGHEST_PROTOCOL))
            self._starts.append(self._file.tell())
            self._pending = []

    def blocks(self) -> Iterator[bytes]:
        """Pickled lists of the items, in order."""
        for index in range(len(self._starts) - 1):
            yield self._read(index)
        if self._pending:
            yield pickle.dumps(self._pending, pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        for block in self.blocks():
            yield from pickle.loads(block)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(self._count))]
        block, position = divmod(range(self._count)[index], self._block)
        if block == len(self._starts) - 1:
            return self._pending[position]
        if self._last[0] != block:
            self._last = block, pickle.loads(self._read(block))
        return self._last[1][position]

    def _read(self, index: int) -> bytes:
        start, end = self._starts[index : index + 2]
        self._file.seek(start)
        return self._file.read(end - start)
