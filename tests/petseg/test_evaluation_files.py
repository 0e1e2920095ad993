"""Files of evaluations, of this release and of the last."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from petseg.evaluation.files import evaluation_file, with_native_group
from petseg.evaluation.photo_counts import (
    counts_column,
    counts_field,
    examples_digest,
    read_confusion,
    read_counts,
    read_overlaps,
    stored_counts,
    summed_counts,
)
from petseg.metrics.iou import intersection_and_union


def test_a_column_says_the_shape_of_its_counts(tmp_path):
    counts = np.arange(2 * 4 * 5).reshape(2, 4, 5)
    field = counts_field("surface", "native", [4, 5])
    table = pa.table([counts.reshape(2, -1).tolist()], schema=pa.schema([field]))
    pq.write_table(table, tmp_path / "photos.parquet")
    read = pq.read_table(tmp_path / "photos.parquet")
    np.testing.assert_array_equal(read_counts(read, "surface", "native", classes=3), counts)
    assert read_counts(read, "surface", "model", classes=3) is None


def test_counts_of_the_last_release_are_read():
    confusion, bands = np.arange(18).reshape(2, 3, 3), np.arange(12).reshape(2, 3, 2)
    table = pa.table(
        {
            "counts_photo": confusion.reshape(2, -1).tolist(),
            "boundary_photo": bands.reshape(2, -1).tolist(),
            "calibration_photo": pa.nulls(2, pa.list_(pa.int64())),
        }
    )
    np.testing.assert_array_equal(read_confusion(table, "native", classes=3), confusion)
    np.testing.assert_array_equal(read_counts(table, "boundary", "native", classes=3), bands)
    assert read_counts(table, "calibration", "native", classes=3) is None
    with pytest.raises(ValueError, match=counts_column("counts", "model")):
        read_confusion(table, "model", classes=3)


def many_classes(tmp_path, confusion):
    """Rows of a file with the confusion of these photos, and the file's size."""
    field = counts_field("counts", "native", confusion.shape[1:])
    rows = [stored_counts(counts) for counts in confusion]
    pq.write_table(pa.table([rows], schema=pa.schema([field])), tmp_path / "photos.parquet")
    return pq.read_table(tmp_path / "photos.parquet"), (tmp_path / "photos.parquet").stat().st_size


def few_of(classes, photos, seed=0):
    """Confusion counts of photos with up to five classes each, and of one without a labeled pixel."""
    rng = np.random.default_rng(seed)
    confusion = np.zeros((photos, classes, classes), np.int64)
    for of_photo in confusion[1:]:
        present = rng.choice(classes, rng.integers(1, 6), replace=False)
        of_photo[np.ix_(present, present)] = rng.integers(0, 10**9, (len(present), len(present)))
    return confusion


@pytest.mark.parametrize("classes", [2, 31, 32, 150, 254])
def test_counts_of_any_number_of_classes_are_read_as_they_were(tmp_path, classes):
    confusion = few_of(max(classes, 5), photos=70)[:, :classes, :classes]
    photos, _ = many_classes(tmp_path, confusion)
    np.testing.assert_array_equal(read_counts(photos, "counts", "native", classes), confusion)
    np.testing.assert_array_equal(summed_counts(photos, "counts", "native", classes), confusion.sum(axis=0))
    np.testing.assert_array_equal(read_overlaps(photos, "native", classes), intersection_and_union(confusion))
    picked = photos.filter(pa.array([row % 3 == 1 for row in range(70)]))
    np.testing.assert_array_equal(read_confusion(picked, "native", classes), confusion[1::3])
    assert summed_counts(photos, "counts", "model", classes) is None


def test_the_file_grows_with_what_is_in_the_photos(tmp_path):
    """Five classes of 254 in a photo take hardly more than five of 64, not sixteen times as much."""
    sizes = [many_classes(tmp_path, few_of(classes, photos=200))[1] for classes in (64, 254)]
    assert sizes[1] < 1.5 * sizes[0]
    assert sizes[1] / 200 < 500


def photos_file(folder, names, confusion):
    columns = {"name": names, "counts_native": [counts.ravel().tolist() for counts in confusion]}
    pq.write_table(pa.table(columns), folder / "photos.parquet")
    return folder / "photos.parquet"


def test_the_digest_of_the_examples_follows_names_and_masks_and_no_prediction(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"photo_{i:03}" for i in range(100)]
    confusion = rng.integers(0, 50, (100, 3, 3))
    digest = examples_digest(photos_file(tmp_path, names, confusion), classes=3)
    predicted_otherwise = np.roll(confusion, 1, axis=2)
    assert examples_digest(photos_file(tmp_path, names, predicted_otherwise), classes=3) == digest
    assert examples_digest(photos_file(tmp_path, names[:-1], confusion[:-1]), classes=3) != digest
    assert examples_digest(photos_file(tmp_path, [*names[:-1], "other"], confusion), classes=3) != digest
    confusion[70, 0, 0] += 1
    assert examples_digest(photos_file(tmp_path, names, confusion), classes=3) != digest


def test_metrics_of_the_last_release_get_the_new_name():
    former = {"model": 1, "photo": 2, "baseline": {"model": 3, "photo": 4}, "split": "test"}
    assert with_native_group(former) == {
        "model": 1,
        "native": 2,
        "baseline": {"model": 3, "native": 4},
        "split": "test",
    }
    both = {"model": 1, "native": 2, "photo": 2, "baseline": None}
    assert with_native_group(both) == {"model": 1, "native": 2, "baseline": None}


def test_the_evaluations_file_is_found_under_both_names():
    assert evaluation_file(["metrics", "evaluation.json"]) == "evaluation.json"
    assert evaluation_file(["metrics", "judgement.json"]) == "judgement.json"
