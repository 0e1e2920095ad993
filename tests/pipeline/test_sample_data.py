"""Drawn samples: official layout, equal bytes, no empty split, and colors that do not give classes away."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.linear_model import LogisticRegression

from petseg.class_table import ClassTable
from pipeline.sample_data import MINIMUM_PAIRS, SampleError, write_folder_sample, write_sample
from pipeline.sample_data.pets.breeds import BREEDS, breed_id, class_id
from pipeline.sample_data.pets.layout import LIST_HEADER, entries
from pipeline.sample_data.splits import percentile

PAIRS = 30


@pytest.fixture(scope="module")
def pets(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pets") / "sample"
    write_sample(folder, PAIRS, seed=3)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def names(folder: Path, list_file: str) -> list[str]:
    lines = (folder / "annotations" / list_file).read_text().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("#")]


def pair(folder: Path, name: str) -> tuple[Image.Image, np.ndarray]:
    trimap = Image.open(folder / "annotations/trimaps" / f"{name}.png")
    assert trimap.mode == "L"
    return Image.open(folder / "images" / f"{name}.jpg"), np.asarray(trimap)


def test_layout_is_the_official_one(pets):
    trainval, test, listed = (names(pets, f"{part}.txt") for part in ("trainval", "test", "list"))
    assert (pets / "annotations/list.txt").read_text().startswith(LIST_HEADER)
    assert len(listed) == PAIRS
    assert sorted(trainval + test) == sorted(listed)
    assert not set(trainval) & set(test)
    assert {path.stem for path in (pets / "images").glob("*.jpg")} == set(listed)
    assert {path.stem for path in (pets / "annotations/trimaps").glob("*.png")} == set(listed)


def test_list_lines_have_the_official_numbers():
    by_name = {breed.name: (class_id(breed), breed.species, breed_id(breed)) for breed in BREEDS}
    assert len(by_name) == 37
    assert [breed.species for breed in BREEDS].count("cat") == 12
    assert by_name["Abyssinian"] == (1, "cat", 1)
    assert by_name["Siamese"] == (33, "cat", 11)
    assert by_name["american_bulldog"] == (2, "dog", 1)
    assert by_name["yorkshire_terrier"] == (37, "dog", 25)
    assert next(entry.line for entry in entries(40) if entry.name.startswith("pug_")).split()[1:] == [
        "26",
        "2",
        "18",
    ]


def test_photos_and_trimaps_fit_together(pets):
    sizes = set()
    for name in names(pets, "list.txt"):
        photo, trimap = pair(pets, name)
        assert (photo.format, photo.mode) == ("JPEG", "RGB")
        assert trimap.shape == (photo.height, photo.width)
        assert set(np.unique(trimap)) == {1, 2, 3}
        sizes.add(photo.size)
    assert len(sizes) >= 6
    assert {width > height for width, height in sizes} == {True, False}


def test_border_is_a_band_between_pet_and_background(pets):
    for name in names(pets, "list.txt"):
        _, trimap = pair(pets, name)
        for first, second in ((trimap[:, :-1], trimap[:, 1:]), (trimap[:-1], trimap[1:])):
            assert not np.any(first * second == 2), f"{name}: pet touches background"


def test_class_shares_are_near_the_official_ones(pets):
    shares = np.mean(
        [np.bincount(pair(pets, name)[1].ravel(), minlength=4)[1:] / pair(pets, name)[1].size
         for name in names(pets, "list.txt")], axis=0,
    )  # fmt: skip
    np.testing.assert_allclose(shares, [0.300, 0.587, 0.114], atol=0.1)


@pytest.mark.parametrize("pairs", [MINIMUM_PAIRS, 12, 24, 200])
def test_no_split_is_empty(pairs):
    chosen = entries(pairs)
    assert len({entry.name for entry in chosen}) == pairs
    trainval = [entry.name for entry in chosen if entry.split != "test"]
    evaluated = [name for name in trainval if percentile(name) < 15]
    assert abs(len(trainval) - pairs / 2) <= 1
    assert 1 <= len(evaluated) <= 0.25 * len(trainval)
    assert evaluated == [entry.name for entry in chosen if entry.split == "eval"]
    assert {entry.breed.species for entry in chosen if entry.split == "test"} == {"cat", "dog"}


def test_each_breed_is_in_both_lists_once_there_are_two_of_it():
    chosen = entries(2 * len(BREEDS))
    for is_test in (True, False):
        assert len({entry.breed.name for entry in chosen if (entry.split == "test") == is_test}) == len(
            BREEDS
        )


def test_another_process_writes_the_same_bytes(tmp_path):
    write_sample(tmp_path / "here", 8, seed=5)
    script = "import sys; from pathlib import Path; from pipeline.sample_data import write_sample as write; "
    script += "write(Path(sys.argv[1]), 8, 5)"
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "there")], check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert digests(tmp_path / "here") == digests(tmp_path / "there")


def test_a_larger_sample_begins_with_the_smaller_one(tmp_path):
    write_sample(tmp_path / "small", 8, seed=3)
    write_sample(tmp_path / "large", 14, seed=3)
    small, large = digests(tmp_path / "small"), digests(tmp_path / "large")
    assert all(large[name] == digest for name, digest in small.items() if name.endswith((".jpg", ".png")))


def test_another_seed_draws_other_photos(pets, tmp_path):
    write_sample(tmp_path / "other", 8, seed=4)
    for path in (tmp_path / "other/images").iterdir():
        assert path.read_bytes() != (pets / "images" / path.name).read_bytes()


def test_colors_do_not_give_the_classes_away(pets):
    pixels: dict[str, list[np.ndarray]] = {"trainval": [], "test": []}
    for part, samples in pixels.items():
        for name in names(pets, f"{part}.txt"):
            photo, trimap = pair(pets, name)
            rows = np.random.default_rng(0).choice(trimap.size, 1500, replace=False)
            samples.append(np.column_stack([np.asarray(photo).reshape(-1, 3)[rows], trimap.ravel()[rows]]))
    train, test = (np.concatenate(pixels[part]).astype(float) for part in ("trainval", "test"))
    model = LogisticRegression(class_weight="balanced").fit(train[:, :3] / 255, train[:, 3])
    assert mean_iou(test[:, 3], model.predict(test[:, :3] / 255)) < 0.45


def mean_iou(truth: np.ndarray, prediction: np.ndarray) -> float:
    shared = [np.sum((truth == value) & (prediction == value)) for value in (1, 2, 3)]
    either = [np.sum((truth == value) | (prediction == value)) for value in (1, 2, 3)]
    return float(np.mean(np.divide(shared, either)))


def test_same_sample_again_changes_nothing(pets):
    before = {path: path.stat().st_mtime_ns for path in pets.rglob("*")}
    write_sample(pets, PAIRS, seed=3)
    assert {path: path.stat().st_mtime_ns for path in pets.rglob("*")} == before


def test_folder_with_something_else_is_refused(pets, tmp_path):
    with pytest.raises(SampleError, match="must be missing or empty"):
        write_sample(pets, PAIRS + 1, seed=3)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="must be missing or empty"):
        write_sample(tmp_path, 8)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_empty_folder_is_filled(tmp_path):
    write_sample(tmp_path, 8)
    assert len(names(tmp_path, "list.txt")) == 8


def test_a_broken_off_sample_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "pipeline.sample_data.pets.sample.write_lists", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "sample", 8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("pairs", "seed", "message"), [(7, 0, "pairs must be 8"), (8, -1, "seed must be 0")])
@pytest.mark.parametrize("write", [write_sample, write_folder_sample])
def test_impossible_requests_are_one_line(tmp_path, write, pairs, seed, message):
    with pytest.raises(SampleError, match=message) as error:
        write(tmp_path / "sample", pairs, seed)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "sample").exists()


@pytest.mark.parametrize(("classes", "ignored"), [(2, False), (5, True)])
def test_folder_sample_follows_its_class_table(tmp_path, classes, ignored):
    table = write_folder_sample(tmp_path / "shapes", 20, 1, classes, ignored)
    written = ClassTable.model_validate(yaml.safe_load((tmp_path / "shapes/classes.yaml").read_text()))
    assert written == table
    assert len(table) == classes
    seen: set[int] = set()
    for path in (tmp_path / "shapes/masks").iterdir():
        mask = Image.open(path)
        assert mask.mode == "L"
        assert mask.size == Image.open(tmp_path / "shapes/images" / f"{path.stem}.jpg").size
        seen |= set(np.unique(np.asarray(mask)).tolist())
    assert seen == set(table.values) | ({255} if ignored else set())


def test_folder_sample_has_every_split(tmp_path):
    write_folder_sample(tmp_path / "shapes", MINIMUM_PAIRS)
    percents = [percentile(path.stem) for path in (tmp_path / "shapes/images").iterdir()]
    assert min(percents) < 15
    assert any(15 <= percent < 30 for percent in percents)
    assert max(percents) >= 30


def test_folder_sample_is_the_same_each_time(tmp_path):
    write_folder_sample(tmp_path / "first", 8, 1, 5, True)
    write_folder_sample(tmp_path / "second", 8, 1, 5, True)
    assert digests(tmp_path / "first") == digests(tmp_path / "second")


def test_folder_sample_takes_two_or_five_classes(tmp_path):
    with pytest.raises(ValueError, match="classes must be 2 or 5; received 3"):
        write_folder_sample(tmp_path / "shapes", 8, 0, 3)
