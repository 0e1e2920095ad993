"""Spans: which pairs are read, in which split, from which span."""

import shutil
import zlib
from pathlib import Path

import pandas as pd
import pytest

from components.example_gen.fingerprint import fingerprint
from components.example_gen.listing import list_pairs
from components.example_gen.pairs import SPLITS
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable, SegmentationClass
from petseg.errors import UserError
from tests.components import tiny_pairs
from tests.components.tiny_pairs import mask, pets_data, photo, run_example_gen, text

LEAVES = ClassTable(
    classes=(
        SegmentationClass(value=0, name="ground", color="#000000"),
        SegmentationClass(value=1, name="leaf", color="#00ff00"),
    )
)
FIRST = {"train": ["a1", "a2"], "eval": ["a3"], "test": ["a4"]}
SECOND = {"train": ["b1", "b2"], "eval": ["b3"], "test": ["b4"]}
THIRD = {"train": ["c1", "c2"], "eval": ["c3"], "test": ["c4"]}


def write_span(folder: Path, splits: dict[str, list[str]], values: tuple[int, ...] = (0, 1)) -> Path:
    """Writes a data set with lists; the same name in another folder is another photo."""
    for part in ("images", "masks", "splits"):
        (folder / part).mkdir(parents=True)
    for split, names in splits.items():
        (folder / f"splits/{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for name in names:
            photo(zlib.crc32(f"{folder.name}/{name}".encode())).save(folder / f"images/{name}.png")
            mask(values=values).save(folder / f"masks/{name}.png")
    return folder


def spans_of(folder: Path, spans: object = "all", **settings) -> DataSettings:
    return DataSettings(path=str(folder), format="folder", classes=LEAVES, spans=spans, **settings)


def listed(data: DataSettings) -> dict[str, list[str]]:
    """Names that the reader finds, by split."""
    pairs = list_pairs(data, scratch="").pairs
    return {split: [pair.name for pair in pairs if pair.split == split] for split in SPLITS}


@pytest.fixture
def three(tmp_path) -> Path:
    """Three spans, written neither in numerical nor in alphabetical order."""
    for number, splits in ((9, SECOND), (10, THIRD), (2, FIRST)):
        write_span(tmp_path / f"data/span-{number}", splits)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("window", "train", "evaluated"),
    [
        ("all", ["a1", "a2", "b1", "b2", "c1", "c2"], ["a3", "b3", "c3"]),
        (2, ["b1", "b2", "c1", "c2"], ["b3", "c3"]),
        ("newest", ["c1", "c2"], ["c3"]),
        (7, ["a1", "a2", "b1", "b2", "c1", "c2"], ["a3", "b3", "c3"]),
    ],
)
def test_spans_to_train_on_and_test_photos_of_all_spans(three, window, train, evaluated):
    found = listed(spans_of(three, window))
    assert found == {"train": train, "eval": evaluated, "test": ["a4", "b4", "c4"]}


def test_examples_name_their_span_and_features_of_the_newest_are_kept(three, tmp_path):
    written = run_example_gen(tmp_path / "out", spans_of(three, 2))
    assert written.names("train") == ["b1", "b2", "c1", "c2"]
    assert text(written.example("a4"), "data/span") == "span-2"
    rows = pd.read_parquet(tmp_path / "out/data_report/newest_span.parquet")
    assert len(rows) == len(THIRD["train"])
    assert set(rows) >= {"image/height", "mask/share_leaf", "slice/photo_size"}
    assert rows["mask/share_leaf"].tolist() == [0.5, 0.5]


def test_dated_spans_in_the_official_layout(tmp_path):
    for day, offset in (("2026-11-14", 0), ("2026-11-21", 8)):
        folder = tmp_path / "data" / day
        for part in ("images", "annotations/trimaps"):
            (folder / part).mkdir(parents=True)
        for split, numbers in (("trainval", range(12)), ("test", range(100, 103))):
            names = [f"pug_{number + 1000 * offset}" for number in numbers]
            (folder / f"annotations/{split}.txt").write_text("".join(f"{name} 1 2 1\n" for name in names))
            for name in names:
                photo(int(name[4:])).save(folder / f"images/{name}.jpg")
                mask().save(folder / f"annotations/trimaps/{name}.png")
    found = listed(pets_data(tmp_path / "data", spans="newest"))
    assert len(found["test"]) == 6
    assert len(found["train"] + found["eval"]) == 12
    assert {name[:5] for name in found["train"]} == {"pug_8"}


@pytest.mark.parametrize("window", ["all", "newest", 2])
@pytest.mark.parametrize("first_is_test", [True, False])
def test_a_test_photo_of_one_span_is_never_trained_on(tmp_path, window, first_is_test):
    as_test = {"train": ["x1", "x2"], "eval": ["x3"], "test": ["shared", "x4"]}
    as_train = {"train": ["shared", "y1"], "eval": ["y3"], "test": ["y4"]}
    write_span(tmp_path / "data/span-1", as_test if first_is_test else as_train)
    write_span(tmp_path / "data/span-2", as_train if first_is_test else as_test)
    write_span(tmp_path / "data/span-3", THIRD)
    found = listed(spans_of(tmp_path / "data", window))
    assert "shared" in found["test"]
    assert "shared" not in found["train"] + found["eval"]


def test_a_later_span_replaces_a_photo_and_the_report_lists_it(tmp_path):
    write_span(tmp_path / "data/span-1", FIRST, values=(0, 1))
    write_span(tmp_path / "data/span-2", {**SECOND, "train": ["a1", "b1"]}, values=(1,))
    written = run_example_gen(tmp_path / "out", spans_of(tmp_path / "data"))
    assert text(written.example("a1"), "data/span") == "span-2"
    assert tiny_pairs.decoded_mask(written.example("a1")).min() == 1
    assert written.report["superseded"] == ["span-1/images/a1.png"]


def test_the_same_photo_under_another_name_stays_in_test(three, tmp_path):
    shutil.copy(three / "span-2/images/a4.png", three / "span-10/images/c1.png")
    written = run_example_gen(tmp_path / "out", spans_of(three, "newest", max_bad_fraction=0.5))
    assert "c1" not in written.names("train")
    assert "a4" in written.reason("quarantined", "span-10/images/c1.png")


def test_a_span_that_is_still_uploading_is_ignored(three):
    (three / ".span-11").mkdir()
    (three / "README.txt").write_text("spans")
    assert len(listed(spans_of(three))["train"]) == 6


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ([], "has no spans"),
        (["span-1", "span_2"], "span_2 is not a span; spans are named span-1"),
        (["span-1", "2026-11-21"], "numbered or dated spans, not both"),
        (["span-1", "span-01"], "have the same number"),
        (["span-1"], "span-1/images is missing"),
    ],
)
def test_folders_that_are_not_spans_are_refused(tmp_path, folders, words):
    (tmp_path / "data").mkdir()
    for folder in folders:
        (tmp_path / "data" / folder).mkdir()
    with pytest.raises(UserError, match=words):
        listed(spans_of(tmp_path / "data"))


def test_tfds_has_no_spans():
    with pytest.raises(ValueError, match=r"spans must be null if data\.format is tfds"):
        DataSettings(format="tfds", spans="all")


@pytest.mark.parametrize("window", ["all", "newest"])
def test_the_fingerprint_covers_every_span_whatever_the_window(three, window):
    data = spans_of(three, window)
    states = [fingerprint(data)]
    (three / "span-2/masks/a4.png").write_bytes(b"changed")
    states.append(fingerprint(data))
    write_span(three / "span-11", {"train": ["d1"], "test": ["d2"]})
    states.append(fingerprint(data))
    (three / "span-11").rename(three / ".span-11")
    states.append(fingerprint(data))
    assert states[3] == states[1]
    assert len(set(states)) == 3
    assert fingerprint(spans_of(three / "nowhere"))
