"""SegmentationExampleGen on a real S3 server: the same examples as from a folder."""

import pytest
import s3fs

from components.example_gen.fingerprint import fingerprint
from components.example_gen.settings import DataSettings
from tests.components import tiny_pairs
from tests.components.tiny_pairs import run_example_gen
from trainer.errors import UserError


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    return tiny_pairs.write_pets(tmp_path_factory.mktemp("pets") / "pets")


@pytest.fixture
def uploaded(pets, s3, request):
    url = f"s3://bucket/{request.node.name}"
    s3fs.S3FileSystem(use_listings_cache=False).put(str(pets), url, recursive=True)
    return url


def test_examples_are_those_of_a_folder(pets, uploaded, tmp_path):
    local = run_example_gen(tmp_path / "local", DataSettings(path=str(pets)))
    remote = run_example_gen(tmp_path / "remote", DataSettings(path=uploaded))
    for split in ("train", "eval", "test"):
        assert remote.names(split) == local.names(split)
        for name in local.names(split):
            assert remote.example(name) == local.example(name)
    assert {**remote.report, "path": None} == {**local.report, "path": None}


@pytest.mark.parametrize("kind", ["stat", "content"])
def test_changed_and_new_files_are_noticed(uploaded, kind):
    files = s3fs.S3FileSystem(use_listings_cache=False)
    data = DataSettings(path=uploaded, fingerprint=kind)
    seen = [fingerprint(data), fingerprint(data)]
    assert seen[0] == seen[1]
    files.pipe_file(f"{uploaded}/images/Bengal_999.jpg", b"new")
    seen.append(fingerprint(data))
    files.pipe_file(f"{uploaded}/images/Bengal_999.jpg", b"old")
    seen.append(fingerprint(data))
    files.pipe_file(f"{uploaded}/notes.txt", b"no part of it")
    assert fingerprint(data) == seen[-1]
    assert len(set(seen)) == 3


def test_a_missing_photo_is_named(uploaded, tmp_path):
    s3fs.S3FileSystem(use_listings_cache=False).rm_file(f"{uploaded}/images/Bengal_1.jpg")
    written = run_example_gen(tmp_path, DataSettings(path=uploaded, max_bad_fraction=0.5))
    assert written.report["quarantined"] == [{"file": "images/Bengal_1.jpg", "reason": "is missing"}]


@pytest.mark.parametrize(
    ("path", "words"),
    [("s3://bucket/nothing", "no folder s3://bucket/nothing"), ("s3://none/x", "s3://none/x")],
)
def test_a_place_without_data_is_one_line(s3, tmp_path, path, words):
    with pytest.raises(UserError, match=words):
        run_example_gen(tmp_path, DataSettings(path=path))
