"""The folder reader finds the pairs of any layout of files, and says what lies there where one is missing."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from components.example_gen.fingerprint import fingerprint
from components.example_gen.listing import list_pairs
from components.example_gen.pairs import Listing, split_of_listed, split_of_unlisted
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from tests.components import tiny_pairs

NAMES = [f"p{number:02d}" for number in range(30)]


def write(folder: Path, *pairs: tuple[str, str]) -> Path:
    """Empty files: the reader opens none of them."""
    for path in (path for pair in pairs for path in pair):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


def listing(folder: Path, **settings: object) -> Listing:
    data = DataSettings.model_validate({"path": str(folder), "classes": ["ground", "disc"], **settings})
    return list_pairs(data, str(folder / "scratch"))


def found(folder: Path, **settings: object) -> dict[str, tuple[str, str]]:
    """Photo and mask by name; nothing may be broken."""
    read = listing(folder, **settings)
    assert read.broken == ()
    return {pair.name: (pair.photo.path, pair.mask.path) for pair in read.pairs}


def reasons(read: Listing) -> dict[str, str]:
    return {note.file: note.reason for note in read.broken}


LAYOUTS = {
    "suffix": (("images/{n}.jpg", "masks/{n}_mask.png"), {"masks": "masks/{stem}_mask.png"}, "{n}"),
    "suffix and any ending": (
        ("images/{n}.jpg", "masks/{n}_mask.gif"),
        {"masks": "masks/{stem}_mask.*"},
        "{n}",
    ),
    "suffixes on both sides": (
        ("images/{n}_sat.jpg", "masks/{n}_mask.png"),
        {"photos": "images/{id}_sat.jpg", "masks": "masks/{id}_mask.png"},
        "{n}_sat",
    ),
    "prefixes": (
        ("x/img-{n}.png", "y/seg-{n}.png"),
        {"photos": "x/img-{id}.png", "masks": "y/seg-{id}.png"},
        "img-{n}",
    ),
    "side by side": (("{n}.jpg", "{n}.png"), {"photos": "*.jpg", "masks": "{stem}.png"}, "{n}"),
    "side by side, same ending": (
        ("{n}.png", "{n}_mask.png"),
        {"photos": "*", "masks": "{stem}_mask.png"},
        "{n}",
    ),
    "in folders, side by side": (
        ("a/{n}.png", "a/{n}_mask.png"),
        {"photos": "**", "masks": "{stem}_mask.png"},
        "a/{n}",
    ),
    "folder of each site": (
        ("north/images/{n}.jpg", "north/masks/{n}_mask.png"),
        {"photos": "*/images/*.jpg", "masks": "{dir}/../masks/{stem}_mask.png"},
        "north/images/{n}",
    ),
    "unique names in another folder": (
        ("north/images/{n}.jpg", "north/masks/{n}_mask.png"),
        {"photos": "*/images/*.jpg", "masks": "{stem}_mask.png"},
        "north/images/{n}",
    ),
    "subfolders": (("images/a/b/{n}.jpg", "masks/a/b/{n}.png"), {}, "a/b/{n}"),
    "endings in upper case": (("images/{n}.JPG", "masks/{n}.PNG"), {}, "{n}"),
    "a dot in the name": (("images/v1.{n}.jpeg", "masks/v1.{n}.tiff"), {}, "v1.{n}"),
    "jfif and tiff photos": (("images/{n}.jfif", "masks/{n}.bmp"), {}, "{n}"),
    "JPEG masks": (("images/{n}.tif", "masks/{n}.jpg"), {"mask_threshold": 128}, "{n}"),
    "Carvana": (
        ("train/{n}.jpg", "train_masks/{n}_mask.gif"),
        {"photos": "train/*.jpg", "masks": "train_masks/{stem}_mask.gif"},
        "{n}",
    ),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts(tmp_path, kind):
    paths, settings, name = LAYOUTS[kind]
    expected = {name.format(n=n): tuple(path.format(n=n) for path in paths) for n in NAMES}
    write(tmp_path, *expected.values())
    for other in ("notes.txt", "images/Thumbs.db", "masks/.hidden.png", "__MACOSX/._p00.jpg"):
        write(tmp_path, (other, other))
    assert found(tmp_path, **settings) == expected
    assert {pair.split for pair in listing(tmp_path, **settings).pairs} == {"train", "eval", "test"}


def test_a_change_below_the_patterns_folders_is_noticed(tmp_path):
    write(tmp_path, ("a/x/1.jpg", "b/x/1_mask.png"))
    data = DataSettings(path=str(tmp_path), photos="a/**", masks="b/{name}_mask.png")
    before = fingerprint(data)
    write(tmp_path, ("c/1.jpg", "c/1.png"))
    assert fingerprint(data) == before
    write(tmp_path, ("a/x/2.jpg", "b/x/2_mask.png"))
    assert fingerprint(data) != before


@pytest.mark.parametrize(
    ("layout", "settings"),
    [
        (("images/{s}/{n}.jpg", "masks/{s}/{n}.png"), {}),
        (("{s}/images/{n}.jpg", "{s}/masks/{n}.png"), {}),
        (("{s}/images/a/{n}.jpg", "{s}/masks/a/{n}.png"), {}),
        (("{s}/{n}.jpg", "{s}/{n}_m.png"), {"photos": "{split}/*.jpg", "masks": "{split}/{stem}_m.png"}),
    ],
)
def test_folders_of_splits(tmp_path, layout, settings):
    splits = {n: ("train", "val", "test")[number % 3] for number, n in enumerate(NAMES)}
    write(tmp_path, *(tuple(path.format(s=s, n=n) for path in layout) for n, s in splits.items()))
    read = {pair.name.split("/")[-1]: pair.split for pair in listing(tmp_path, **settings).pairs}
    assert read == {n: {"val": "eval"}.get(s, s) for n, s in splits.items()}


def test_validation_data_is_test_where_there_is_no_test(tmp_path):
    splits = {n: "training" if number % 3 else "validation" for number, n in enumerate(NAMES)}
    write(tmp_path, *((f"images/{s}/{n}.jpg", f"masks/{s}/{n}.png") for n, s in splits.items()))
    for pair in listing(tmp_path).pairs:
        listed = split_of_listed(pair.name, 15)
        assert pair.split == ("test" if pair.name.startswith("validation/") else listed)


def test_other_subfolders_are_no_splits(tmp_path):
    write(
        tmp_path, *((f"images/{s}/{n}.jpg", f"masks/{s}/{n}.png") for n in NAMES for s in ("train", "more"))
    )
    assert all(pair.split == split_of_unlisted(pair.name, 15) for pair in listing(tmp_path).pairs)


LISTS = {
    "without endings": "{n}\n",
    "with endings": "{n}.jpg\n",
    "CRLF": "{n}\r\n",
    "with endings and CRLF": "{n}.jpg\r\n",
    "paths": "images/{n}.jpg\n",
    "leading dot": "./images/{n}.jpg\n",
    "spaces": "{n}  \n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le with mark"])
@pytest.mark.parametrize("kind", LISTS)
def test_lists_as_people_write_them(tmp_path, kind, encoding):
    write(tmp_path, *((f"images/é {n}.jpg", f"masks/é {n}.png") for n in NAMES))
    (tmp_path / "splits").mkdir()
    for split, names in {"train": NAMES[:10], "val": NAMES[10:15], "test": NAMES[15:25]}.items():
        text = "".join(LISTS[kind].format(n=f"é {name}") for name in names)
        content = b"\xff\xfe" + text.encode("utf-16-le") if "mark" in encoding else text.encode(encoding)
        (tmp_path / f"splits/{split}.txt").write_bytes(content)
    read = listing(tmp_path)
    assert read.broken == ()
    splits = {pair.name: pair.split for pair in read.pairs}
    expected = {"train": NAMES[:10], "eval": NAMES[10:15], "test": NAMES[15:25]}
    assert splits == {f"é {name}": split for split, names in expected.items() for name in names}
    assert read.in_no_list == tuple(f"é {name}" for name in NAMES[25:])


def test_composed_and_decomposed_names_are_the_same(tmp_path):
    composed = [unicodedata.normalize("NFC", f"café {number}") for number in range(20)]
    decomposed = [unicodedata.normalize("NFD", name) for name in composed]
    write(
        tmp_path, *((f"images/{d}.jpg", f"masks/{c}.png") for c, d in zip(composed, decomposed, strict=True))
    )
    assert list(found(tmp_path)) == sorted(composed)
    splits = {pair.name: pair.split for pair in listing(tmp_path).pairs}
    assert splits == {name: split_of_unlisted(name, 15) for name in composed}
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("\n".join(decomposed[:10]), encoding="utf-8")
    (tmp_path / "splits/test.txt").write_text("\n".join(composed[10:]), encoding="utf-8")
    assert len(found(tmp_path)) == 20


@pytest.mark.parametrize(
    ("file", "settings", "missing", "reason"),
    [
        (
            "masks/x.jpg",
            {},
            "masks/x.png",
            "masks/x.jpg is there: a JPEG is a mask only with data.mask_threshold",
        ),
        (
            "masks/x_mask.png",
            {},
            "masks/x.png",
            "masks/x_mask.png is there: patterns in data.photos and data.masks",
        ),
        ("masks/X.png", {}, "masks/x.png", "masks/X.png is there: upper and lower case differ"),
        ("masks/x.npy", {}, "masks/x.png", "masks/x.npy is there: no ending of a mask"),
        ("masks/x.gif", {"masks": "masks/{stem}.png"}, "masks/x.png", "masks/x.gif is there"),
    ],
)
def test_what_lies_in_the_place_of_a_missing_mask_is_named(tmp_path, file, settings, missing, reason):
    write(tmp_path, ("images/x.jpg", file), ("images/y.jpg", "masks/y.png"))
    assert reasons(listing(tmp_path, **settings))[missing].startswith(f"is missing; {reason}")


def test_wrong_case_in_a_list_is_named(tmp_path):
    write(tmp_path, *((f"images/{n}.jpg", f"masks/{n}.png") for n in NAMES))
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("P00\np01\nq\n")
    (tmp_path / "splits/test.txt").write_text("p02\n../p03\n")
    assert reasons(listing(tmp_path)) == {
        "images/P00.jpg": "is missing; images/p00.jpg is there: upper and lower case differ",
        "images/q.jpg": "is missing",
        "splits/test.txt": "'../p03' is not a plain file name",
    }


def test_a_list_that_names_nothing_is_refused(tmp_path):
    write(tmp_path, *((f"images/{n}.jpg", f"masks/{n}.png") for n in NAMES))
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("a\nb\n")
    (tmp_path / "splits/test.txt").write_text("p02\n")
    with pytest.raises(
        UserError, match=r"train\.txt names no photo: its first line is 'a', photos are named p00"
    ):
        listing(tmp_path)


def test_masks_that_no_photo_has_are_named(tmp_path):
    write(tmp_path, ("a/x.jpg", "b/x_m.png"), ("a/y.jpg", "b/y_m.png"), ("b/z_m.png", "b/note.txt"))
    read = listing(tmp_path, photos="a/*", masks="b/{stem}_m.png")
    assert reasons(read) == {"b/z_m.png": "has no photo that data.photos a/* matches"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"photos": "fotos/*.jpg"}, r"no photo below .* matches fotos/\*\.jpg"),
        ({"photos": "../*.jpg"}, "data.photos must be a path below data.path"),
        ({"masks": "/masks/{stem}.png"}, "data.masks must be a path below data.path"),
        ({"masks": "masks/{stm}.png"}, r"data.masks: \{stm\} of masks/\{stm\}.png is unknown.*\{stem\}"),
    ],
)
def test_patterns_that_cannot_be_are_refused(tmp_path, settings, message):
    write(tmp_path, ("images/x.jpg", "masks/x.png"))
    with pytest.raises(UserError, match=message) as error:
        listing(tmp_path, **settings)
    assert "\n" not in str(error.value)


def test_linked_folders_are_followed_once(tmp_path):
    write(tmp_path / "data", *((f"images/{n}.jpg", f"masks/{n}.png") for n in NAMES))
    write(tmp_path / "more", ("images/x.jpg", "masks/x.png"))
    for folder in ("images", "masks"):
        (tmp_path / f"data/{folder}/more").symlink_to(tmp_path / f"more/{folder}")
        (tmp_path / f"data/{folder}/again").symlink_to(tmp_path / f"data/{folder}")
    assert set(found(tmp_path / "data")) == {*NAMES, "more/x"}


def test_names_that_are_paths_go_through_to_the_examples(tmp_path):
    for number, n in enumerate(NAMES):
        for folder in ("images/a", "masks/a"):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
        tiny_pairs.photo(number).save(tmp_path / f"data/images/a/{n}.jpg")
        tiny_pairs.mask(values=(0, 1)).save(tmp_path / f"data/masks/a/{n}.png")
    data = DataSettings.model_validate({"path": str(tmp_path / "data"), "classes": ["ground", "disc"]})
    written = tiny_pairs.run_example_gen(tmp_path / "out", data)
    assert sorted(name for split in written.records for name in written.names(split)) == [
        f"a/{n}" for n in NAMES
    ]
    assert set(np.unique(tiny_pairs.decoded_mask(written.example("a/p00")))) == {0, 1}
