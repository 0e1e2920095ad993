"""A table of what people know about their photos: labels, and groups that stay in one split."""

from pathlib import Path

import pandas
import pytest

from components.example_gen.fingerprint import fingerprint
from components.example_gen.listing import list_pairs
from components.example_gen.pairs import Listing, split_of_unlisted
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from pipeline.schema_text import schema_of
from tests.components import tiny_pairs
from tests.components.read_examples import read

NAMES = [f"a/p{number:02d}" for number in range(40)]
ROWS = [
    {"image": f"images/{name}.jpg", "patient": f"q{number // 4}", "site": ("north", "south", "")[number % 3]}
    for number, name in enumerate(NAMES)
]


def settings(folder: Path, **others: object) -> DataSettings:
    values = {"path": str(folder), "classes": ["ground", "disc"], "metadata": "table.csv", **others}
    return DataSettings.model_validate(values)


def write(folder: Path, rows: list[dict[str, str]], ending: str = "csv", **options: object) -> Path:
    for name in NAMES:
        for path in (f"images/{name}.jpg", f"masks/{name}.png"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
    table = pandas.DataFrame(rows)
    if ending == "parquet":
        table.replace("", None).to_parquet(folder / "table.parquet")
    else:
        table.to_csv(folder / f"table.{ending}", index=False, **options)
    return folder


def listing(data: DataSettings) -> Listing:
    return list_pairs(data, "scratch")


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("csv", {}),
        ("csv", {"sep": ";"}),
        ("csv", {"sep": "\t"}),
        ("csv", {"encoding": "utf-8-sig"}),
        ("csv", {"encoding": "utf-16"}),
        ("csv", {"lineterminator": "\r\n"}),
        ("parquet", {}),
    ],
)
def test_columns_become_labels(tmp_path, ending, options):
    data = settings(write(tmp_path, ROWS, ending, **options), metadata=f"table.{ending}")
    labels = {pair.name: pair.labels for pair in listing(data).pairs}
    assert labels[NAMES[0]] == {"label/patient": "q0", "label/site": "north"}
    assert labels[NAMES[5]] == {"label/patient": "q1"}, "an empty cell is no label"
    assert len(labels) == len(NAMES)


@pytest.mark.parametrize("form", ["{}", "{}.jpg", "images/{}.jpg", "/data/set/images/{}.jpg", "stem"])
def test_names_in_any_form(tmp_path, form):
    rows = [
        row | {"image": name.split("/")[1] if form == "stem" else form.format(name)}
        for row, name in zip(ROWS, NAMES, strict=True)
    ]
    assert listing(settings(write(tmp_path, rows))).without_metadata == ()


def test_a_group_stays_in_one_split(tmp_path):
    pairs = listing(settings(write(tmp_path, ROWS), group_by="patient")).pairs
    assert {pair.name: pair.split for pair in pairs} == {
        name: split_of_unlisted(row["patient"], 15) for name, row in zip(NAMES, ROWS, strict=True)
    }


def test_names_that_fit_no_photo_are_listed(tmp_path):
    for number, name in enumerate(NAMES):
        for folder in ("images/a", "masks/a"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        tiny_pairs.photo(number).save(tmp_path / f"images/{name}.jpg")
        tiny_pairs.mask(values=(0, 1)).save(tmp_path / f"masks/{name}.png")
    pandas.DataFrame([*ROWS[1:], {"image": "gone", "patient": "q", "site": ""}]).to_csv(
        tmp_path / "table.csv", index=False
    )
    result = read(tmp_path, settings(tmp_path))
    assert result.report["metadata_without_photo"] == ["gone"]
    assert result.report["without_metadata"] == [NAMES[0]]
    assert tiny_pairs.text(result.examples[NAMES[1]], "label/site") == "south"


@pytest.mark.parametrize(
    ("rows", "others", "message"),
    [
        (ROWS, {"metadata": "gone.csv"}, r"gone\.csv is missing"),
        (ROWS, {"group_by": "sites"}, "data.group_by: table.csv has no column sites; it has patient, site"),
        (ROWS, {"slice_features": ["label/sites"]}, "data.slice_features: table.csv has no column sites"),
        (ROWS, {"group_by": "site"}, "data.group_by: table.csv gives a/p02 no site"),
        (
            [{"file": "x", "site": "y"}],
            {},
            "no column of table.csv has the name of a photo; it has file, site",
        ),
        ([ROWS[0], ROWS[0]], {}, "table.csv has two rows for a/p00"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, rows, others, message):
    with pytest.raises(UserError, match=message) as error:
        listing(settings(write(tmp_path, rows), **others))
    assert "\n" not in str(error.value)


def test_a_changed_table_is_changed_data(tmp_path):
    data = settings(write(tmp_path, ROWS))
    before = fingerprint(data)
    write(tmp_path, ROWS[1:])
    assert fingerprint(data) != before


def test_the_schema_has_the_columns(tmp_path):
    features = {feature.name for feature in schema_of(settings(write(tmp_path, ROWS))).feature}
    assert {"label/patient", "label/site"} <= features
