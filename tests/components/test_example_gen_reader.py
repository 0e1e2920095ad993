"""A reader that is one file and one registry line gets splits, checks, spans, fingerprints and writing."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from components.example_gen.fingerprint import fingerprint
from components.example_gen.pairs import split_of_unlisted
from components.example_gen.readers import READERS
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable, SegmentationClass
from tests.components import tiny_pairs
from tests.components.tiny_pairs import run_example_gen

NAMES = [f"box {number}" for number in range(20)]
TABLE = ClassTable(
    classes=(
        SegmentationClass(value=0, name="ground", color="#000000"),
        SegmentationClass(value=9, name="box", color="#ff0000"),
    )
)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(READERS, "rectangles", "tests.components.rectangles_reader")


def write(folder: Path, names: list[str] = NAMES, value: int = 9) -> DataSettings:
    """Photos of 48 x 64 with one box each, higher by a pixel from one to the next."""
    (folder / "photos").mkdir(parents=True)
    for name in names:
        tiny_pairs.photo(zlib.crc32(f"{folder.name}/{name}".encode())).save(folder / f"photos/{name}.jpg")
    boxes = {name: [[value, 1, 2, 10 + number, 32]] for number, name in enumerate(names)}
    (folder / "rectangles.json").write_text(json.dumps(boxes))
    return DataSettings(path=str(folder), format="rectangles", classes=TABLE, max_bad_fraction=0.1)


def test_masks_are_rendered_and_pairs_split_by_name(tmp_path):
    written = run_example_gen(tmp_path / "out", write(tmp_path / "data"))
    for split in ("train", "eval", "test"):
        assert written.names(split) == sorted(n for n in NAMES if split_of_unlisted(n, 15) == split)
    example = written.example("box 3")
    expected = np.zeros((48, 64))
    expected[1:13, 2:32] = 9
    np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), expected)
    photo = (tmp_path / "data/photos/box 3.jpg").read_bytes()
    assert tiny_pairs.raw(example, "image/encoded") == photo, "it needed no repair"
    assert tiny_pairs.number(example, "mask/share_box") == pytest.approx(12 * 30 / (48 * 64))
    assert written.report["repaired"] == written.report["quarantined"] == []


def test_checks_are_shared(tmp_path):
    data = write(tmp_path / "data")
    boxes = json.loads((tmp_path / "data/rectangles.json").read_text())
    boxes["box 1"][0][0] = 7
    boxes["gone"] = []
    boxes["../box 2"] = []
    (tmp_path / "data/rectangles.json").write_text(json.dumps(boxes))
    written = run_example_gen(tmp_path / "out", data.model_copy(update={"max_bad_fraction": 0.2}))
    reasons = {note["file"]: note["reason"] for note in written.report["quarantined"]}
    assert "has the value 7 in" in reasons["rectangles.json"]
    assert reasons["gone.jpg"] == "is missing"
    assert "'../box 2' is not a plain file name" in reasons.values()


def test_spans_hold_data_sets_of_any_format(tmp_path):
    write(tmp_path / "data/span-1", NAMES[:15])
    write(tmp_path / "data/span-2", NAMES[10:])
    data = DataSettings(path=str(tmp_path / "data"), format="rectangles", classes=TABLE, spans="all")
    before = fingerprint(data)
    written = run_example_gen(tmp_path / "out", data)
    spans = {name: tiny_pairs.text(written.example(name), "data/span") for name in NAMES}
    assert spans == {name: "span-1" if number < 10 else "span-2" for number, name in enumerate(NAMES)}
    assert written.report["superseded"] == sorted(f"span-1/{name}.jpg" for name in NAMES[10:15])
    write(tmp_path / "data/span-3", ["new"])
    assert fingerprint(data) != before


def test_the_fingerprint_follows_what_the_reader_watches(tmp_path):
    data = write(tmp_path)
    before = fingerprint(data)
    (tmp_path / "notes.txt").write_text("not part of the data set")
    assert fingerprint(data) == before
    (tmp_path / "rectangles.json").write_text("{}")
    assert fingerprint(data) != before


def test_an_unknown_format_is_refused_by_the_settings():
    with pytest.raises(
        ValidationError, match=r"must be one of .*folder, pets, tfds.* did you mean rectangles"
    ):
        DataSettings(format="rectangle")
