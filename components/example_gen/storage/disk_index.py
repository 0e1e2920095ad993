"""Finds texts by a key without keeping either in memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter


class DiskIndex:
    """Keys with one or more values each, in a temporary database that SQLite removes.

    A dictionary of file names costs hundreds of bytes a file.

    Examples:
        >>> stems = DiskIndex([("b", "b.png"), ("a", "a.jpg"), ("b", "b.jpg")])
        >>> stems["b"], stems["c"]
        (['b.png', 'b.jpg'], [])
        >>> list(stems.items())
        [('a', ['a.jpg']), ('b', ['b.png', 'b.jpg'])]
        >>> stems.from_key("ab", 1)
        [('b', 'b.png')]
    """

    def __init__(self, rows: Iterable[tuple[str, str]]):
        """Stores keys and values, which may have characters that are no text, as file names do."""
        self._database = sqlite3.connect("", isolation_level=None)
        # Nobody else reads it, and nobody reads it after a crash.
        for setting in ("journal_mode = off", "synchronous = off"):
            self._database.execute(f"pragma {setting}")
        self._database.execute("create table pairs (number integer primary key, key blob, value blob)")
        self._database.execute("begin")
        self._database.executemany(
            "insert into pairs (key, value) values (?, ?)",
            ((_bytes(key), _bytes(value)) for key, value in rows),
        )
        self._database.execute("create index by_key on pairs (key, number, value)")
        self._database.execute("commit")

    def __getitem__(self, key: str) -> list[str]:
        """The values of a key, in the order in which they were given; empty without one."""
        rows = self._database.execute("select value from pairs where key = ? order by number", (_bytes(key),))
        return [_text(value) for (value,) in rows]

    def __contains__(self, key: str) -> bool:
        rows = self._database.execute("select 1 from pairs where key = ? limit 1", (_bytes(key),))
        return rows.fetchone() is not None

    def __len__(self) -> int:
        """Number of different keys."""
        (count,) = self._database.execute("select count(distinct key) from pairs").fetchone()
        return count

    def items(self) -> Iterator[tuple[str, list[str]]]:
        """Each key with its values, sorted by key as text is."""
        rows = self._database.execute("select key, value from pairs order by key, number")
        for key, values in groupby(rows, itemgetter(0)):
            yield _text(key), [_text(value) for _, value in values]

    def from_key(self, key: str, count: int) -> list[tuple[str, str]]:
        """The first keys and values from a key on, whether it is there or not."""
        rows = self._database.execute(
            "select key, value from pairs where key >= ? order by key, number limit ?", (_bytes(key), count)
        )
        return [(_text(each), _text(value)) for each, value in rows]


# UTF-8 sorts as text does.


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
