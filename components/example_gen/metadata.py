"""What people know about their photos: a table with a row for each, from a CSV or Parquet file."""

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from components.example_gen.readers.files import data_folder, read_text
from components.example_gen.readers.patterns import composed, without_ending
from components.example_gen.settings import DataSettings
from petseg.errors import UserError

NAME = "name"
NAMED = 5


@dataclass(frozen=True)
class Metadata:
    """Rows of the table, by the name of the photo.

    Attributes:
        columns: Names of the columns, without that of the photos' names.
        rows: For each photo that has a row, its values by column; empty cells are left out.
        unmatched: Names in the table that no photo has.
    """

    columns: tuple[str, ...]
    rows: dict[str, dict[str, str]]
    unmatched: tuple[str, ...]

    def labels(self, name: str) -> dict[str, str]:
        """Features of a photo, `label/<column>`."""
        return {f"label/{column}": value for column, value in self.rows.get(name, {}).items()}

    def group(self, name: str, column: str) -> str | None:
        """The group of a photo; None if its cell is empty, or if it has no row."""
        return self.rows.get(name, {}).get(column)


def read_metadata(data: DataSettings, names: Iterable[str]) -> Metadata:
    """Reads the table that `data.metadata` names.

    The photos' names are in the column `name`, else in the first column that has the name of a photo: with or
    without folder and ending.

    Args:
        data: The settings, with `metadata`.
        names: Names of all photos.

    Raises:
        UserError: The file is missing or cannot be read, no column has the photos' names, a photo has two
            rows, or a setting names a column that is not there.
    """
    columns, rows = _read_table(data)
    index = _index(names)
    name_column = _name_column(columns, rows, index, str(data.metadata))
    others = tuple(column for column in columns if column != name_column)
    _check_columns(data, others)
    found: dict[str, dict[str, str]] = {}
    unmatched = []
    for row in rows:
        name = _photo(row.get(name_column, ""), index)
        if name is None:
            unmatched.append(row.get(name_column, ""))
        elif name in found:
            raise UserError(f"data.metadata: {data.metadata} has two rows for {name}; a photo must have one")
        else:
            found[name] = {column: row[column] for column in others if row.get(column)}
    return Metadata(others, found, tuple(unmatched))


def table_columns(data: DataSettings) -> tuple[str, ...]:
    """Names of all columns of the table, that of the photos' names included.

    Raises:
        UserError: The file is missing or cannot be read.
    """
    return _read_table(data)[0]


def _read_table(data: DataSettings) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Names of the columns, and for each row the cells as text."""
    file = data_folder(data) / str(data.metadata)
    if str(data.metadata).lower().endswith((".parquet", ".pq")):
        # Imported here: before a run, a second counts.
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(pa.BufferReader(file.read_bytes()))
        except FileNotFoundError:
            raise UserError(f"data.metadata: the file {file} is missing") from None
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"data.metadata: {file} is no Parquet file: {error}") from None
        cells = [
            {column: "" if value is None else str(value).strip() for column, value in row.items()}
            for row in table.to_pylist()
        ]
        return tuple(table.column_names), cells
    text = read_text(file, "table data.metadata")
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect)
    columns = tuple(column.strip() for column in reader.fieldnames or ())
    reader.fieldnames = list(columns)
    if not columns or len(set(columns)) < len(columns):
        raise UserError(f"data.metadata: the first line of {file} must have names of columns, each once")
    return columns, [{column: (row[column] or "").strip() for column in columns} for row in reader]


def _index(names: Iterable[str]) -> dict[str, str]:
    """Name of a photo by its name, and by its last part where only one photo has it."""
    known = list(names)
    last = Counter(posixpath.basename(name) for name in known)
    return {posixpath.basename(n): n for n in known if last[posixpath.basename(n)] == 1} | {
        n: n for n in known
    }


def _photo(cell: str, index: dict[str, str]) -> str | None:
    """The photo that a cell names: with or without ending, and with any folders above it."""
    name = without_ending(composed(cell).replace("\\", "/"))
    while name:
        if name in index:
            return index[name]
        name = name.partition("/")[2]
    return None


def _name_column(
    columns: tuple[str, ...], rows: list[dict[str, str]], index: dict[str, str], file: str
) -> str:
    if NAME in columns and any(_photo(row[NAME], index) for row in rows):
        return NAME
    for column in columns:
        if any(_photo(row[column], index) for row in rows):
            return column
    few = ", ".join(sorted(set(index.values()))[:NAMED])
    raise UserError(
        f"data.metadata: no column of {file} has the name of a photo; it has {', '.join(columns)}, photos "
        f"are named {few}"
    )


def _check_columns(data: DataSettings, columns: tuple[str, ...]) -> None:
    wanted = {"data.group_by": [data.group_by] if data.group_by else []}
    wanted["data.slice_features"] = [
        feature.removeprefix("label/") for feature in data.slice_features if feature.startswith("label/")
    ]
    for key, names in wanted.items():
        for name in names:
            if name not in columns:
                raise UserError(
                    f"{key}: {data.metadata} has no column {name}; it has {', '.join(columns) or 'none'}"
                )
