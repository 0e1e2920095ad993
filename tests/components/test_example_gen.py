"""SegmentationExampleGen on the official layout: splits, features, report and errors."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.example_gen.component import SegmentationExampleGen
from components.example_gen.pairs import split_of_listed, split_of_unlisted
from petseg.errors import UserError
from tests.components import tiny_pairs
from tests.components.tiny_pairs import TEST, TRAINVAL, Written, pets_data, run_example_gen


@pytest.fixture(scope="session")
def untouched_pets(tmp_path_factory) -> Path:
    return tiny_pairs.write_pets(tmp_path_factory.mktemp("pets") / "pets")


@pytest.fixture
def pets(untouched_pets, tmp_path) -> Path:
    """A data set that the test may break."""
    return shutil.copytree(untouched_pets, tmp_path / "pets")


@pytest.fixture(scope="session")
def written(untouched_pets, tmp_path_factory) -> Written:
    return run_example_gen(tmp_path_factory.mktemp("written"), pets_data(untouched_pets))


def test_the_test_list_is_the_official_one_and_the_rest_is_split_by_hash(written):
    expected_eval = {
        name for name in TRAINVAL if int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100 < 15
    }
    assert 0 < len(expected_eval) < len(TRAINVAL)
    assert written.names("test") == sorted(TEST)
    assert written.names("eval") == sorted(expected_eval)
    assert written.names("train") == sorted(set(TRAINVAL) - expected_eval)


def test_features_of_an_example(written, untouched_pets):
    example = written.example("Bengal_1")
    photo_file = untouched_pets / "images/Bengal_1.jpg"
    assert set(example.features.feature) == {
        "image/encoded", "image/name", "image/height", "image/width", "image/sha256", "mask/encoded",
        "label/breed", "label/species", "mask/share_pet", "mask/share_background", "mask/share_border",
        "slice/photo_size", "slice/pet_size",
    }  # fmt: skip
    assert tiny_pairs.raw(example, "image/encoded") == photo_file.read_bytes()
    assert (
        tiny_pairs.raw(example, "mask/encoded")
        == (untouched_pets / "annotations/trimaps/Bengal_1.png").read_bytes()
    )
    assert tiny_pairs.text(example, "image/sha256") == hashlib.sha256(photo_file.read_bytes()).hexdigest()
    assert tiny_pairs.integer(example, "image/height") == 48
    assert tiny_pairs.integer(example, "image/width") == 64
    assert tiny_pairs.text(example, "label/breed") == "Bengal"
    assert tiny_pairs.text(example, "label/species") == "cat"
    assert tiny_pairs.text(written.example("pug_1"), "label/species") == "dog"
    shares = [tiny_pairs.number(example, f"mask/share_{name}") for name in ("pet", "background", "border")]
    assert shares == pytest.approx([22 / 64, 21 / 64, 21 / 64])


def test_slices_follow_the_edges(untouched_pets, tmp_path):
    # 48 x 64 has a side of 55.4, 60 x 40 one of 49.0; the pet has 22 of 64 and 14 of 40 columns.
    data = pets_data(
        untouched_pets, photo_size_edges=(49, 55), sized_class="pet", sized_class_edges=(0.345, 0.5)
    )
    written = run_example_gen(tmp_path, data)
    assert tiny_pairs.text(written.example("Bengal_1"), "slice/photo_size") == "large"
    assert tiny_pairs.text(written.example("Bengal_0"), "slice/photo_size") == "small"
    assert tiny_pairs.text(written.example("Bengal_1"), "slice/pet_size") == "small"
    assert tiny_pairs.text(written.example("Bengal_0"), "slice/pet_size") == "medium"


def test_report_counts_and_shares(written):
    report = written.report
    assert report["counts"] == {split: len(written.names(split)) for split in ("train", "eval", "test")}
    assert sum(report["counts"].values()) == len(TRAINVAL + TEST)
    assert sum(report["class_shares"]["train"].values()) == pytest.approx(1)
    assert report["photo_sizes"] == {"48x64": 11, "60x40": 11}
    assert report["quarantined"] == report["repaired"] == report["near_duplicates"] == []


def test_nothing_else_is_left_in_the_outputs(written):
    assert sorted(written.files) == [
        "data_report/data_report.json",
        "examples/Split-eval/data_tfrecord-00000-of-00001.gz",
        "examples/Split-test/data_tfrecord-00000-of-00001.gz",
        "examples/Split-train/data_tfrecord-00000-of-00001.gz",
    ]


def test_photos_in_no_list_are_left_out_and_counted(pets, tmp_path):
    tiny_pairs.photo(99).save(pets / "images/Bengal_99.jpg")
    written = run_example_gen(tmp_path / "out", pets_data(pets))
    assert written.report["in_no_list"] == ["Bengal_99"]
    assert sum(written.report["counts"].values()) == len(TRAINVAL + TEST)


def test_masks_of_one_class_are_kept_and_counted(pets, tmp_path):
    tiny_pairs.mask(values=(2,)).save(pets / "annotations/trimaps/Bengal_1.png")
    written = run_example_gen(tmp_path / "out", pets_data(pets))
    assert written.report["single_class"] == ["Bengal_1"]
    assert tiny_pairs.number(written.example("Bengal_1"), "mask/share_background") == 1


def test_a_recompressed_copy_in_another_split_is_reported_and_kept(pets, tmp_path):
    tiny_pairs.photo(seed=1).resize((60, 45)).save(pets / "images/pug_100.jpg", quality=70)
    tiny_pairs.mask(45, 60).save(pets / "annotations/trimaps/pug_100.png")
    written = run_example_gen(tmp_path / "out", pets_data(pets))
    (found,) = written.report["near_duplicates"]
    assert (found["a"], found["b"], found["split_b"]) == ("Bengal_1", "pug_100", "test")
    assert found["split_a"] in ("train", "eval")
    assert "pug_100" in written.names("test")


def test_species_comes_from_the_name_if_the_list_has_only_names(pets, tmp_path):
    (pets / "annotations/test.txt").write_text("# a comment\n\n" + "\n".join(TEST))
    written = run_example_gen(tmp_path / "out", pets_data(pets))
    assert tiny_pairs.text(written.example("Bengal_100"), "label/species") == "cat"
    assert tiny_pairs.text(written.example("pug_100"), "label/species") == "dog"


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("images", "the folder .*images is missing"),
        ("annotations/trimaps", "the folder .*annotations/trimaps is missing"),
        ("annotations/trainval.txt", "the list .*trainval.txt is missing"),
        ("annotations/test.txt", "the list .*test.txt is missing"),
    ],
)
def test_a_missing_part_is_named_in_one_line(pets, tmp_path, missing, named):
    target = pets / missing
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    with pytest.raises(UserError, match=named) as error:
        run_example_gen(tmp_path / "out", pets_data(pets))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", [None, "/nowhere/at/all"])
def test_a_missing_data_set_is_named_in_one_line(tmp_path, path):
    with pytest.raises(UserError, match=r"data\.path") as error:
        run_example_gen(tmp_path, pets_data(path))
    assert "\n" not in str(error.value)


def test_an_empty_split_is_named_in_one_line(pets, tmp_path):
    (pets / "annotations/test.txt").write_text("# nothing\n")
    with pytest.raises(UserError, match="`test`") as error:
        run_example_gen(tmp_path / "out", pets_data(pets))
    assert "\n" not in str(error.value)


def test_an_unreadable_list_is_named(pets, tmp_path):
    (pets / "annotations/test.txt").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(UserError, match=r"test\.txt cannot be read"):
        run_example_gen(tmp_path / "out", pets_data(pets))


@given(name=st.text(min_size=1), percent=st.integers(1, 50))
def test_split_depends_on_name_and_percent_only(name, percent):
    bucket = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:4], "big") % 100
    assert split_of_listed(name, percent) == ("eval" if bucket < percent else "train")
    unlisted = split_of_unlisted(name, percent)
    assert (unlisted == "eval") == (bucket < percent)
    assert (unlisted == "test") == (percent <= bucket < 2 * percent)


def test_component_has_no_driver_of_its_own():
    from tfx.dsl.components.base import base_driver

    component = SegmentationExampleGen(data="{}", fingerprint="0", code="0")
    assert component.DRIVER_CLASS is base_driver.BaseDriver
    assert component.outputs["examples"].type_name == "Examples"
    assert component.outputs["data_report"].type_name == "DataReport"


def test_shards_are_full_and_in_order(written, untouched_pets, tmp_path, monkeypatch):
    from components.example_gen import executor

    monkeypatch.setattr(executor, "PAIRS_A_SHARD", 4)
    small_shards = run_example_gen(tmp_path, pets_data(untouched_pets))
    assert "examples/Split-test/data_tfrecord-00001-of-00002.gz" in small_shards.files
    assert small_shards.records == written.records


@pytest.mark.slow
def test_every_engine_writes_the_same_bytes(written, untouched_pets, tmp_path):
    """In a process of its own: multi_processing forks workers that must find this module."""
    script = f"""
from pathlib import Path
from tests.components.tiny_pairs import BEAM_ARGS, pets_data, run_example_gen
if __name__ == "__main__":
    args = [*BEAM_ARGS, "--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    run_example_gen(Path({str(tmp_path / "out")!r}), pets_data({str(untouched_pets)!r}), args)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2], timeout=300)
    again = {
        str(path.relative_to(tmp_path / "out")): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert again == written.files
