"""SegmentationExampleGen on object stores: the same examples as from a folder."""

import itertools

import pytest

from components.example_gen.fingerprint import fingerprint
from petseg.errors import UserError
from petseg.files.object_store import StorePath, copy_folder
from tests.components import tiny_pairs
from tests.components.tiny_pairs import pets_data, run_example_gen

_numbers = itertools.count()


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    return tiny_pairs.write_pets(tmp_path_factory.mktemp("pets") / "pets")


@pytest.fixture(params=["s3", pytest.param("gs", marks=pytest.mark.slow)])
def uploaded(pets, request):
    request.getfixturevalue(request.param)
    url = f"{request.param}://bucket/{next(_numbers)}"
    copy_folder(pets, StorePath(url))
    return url


def test_examples_are_those_of_a_folder(pets, uploaded, tmp_path):
    local = run_example_gen(tmp_path / "local", pets_data(pets))
    remote = run_example_gen(tmp_path / "remote", pets_data(uploaded))
    for split in ("train", "eval", "test"):
        assert remote.names(split) == local.names(split)
        for name in local.names(split):
            assert remote.example(name) == local.example(name)
    assert {**remote.report, "path": None} == {**local.report, "path": None}


@pytest.mark.parametrize("kind", ["stat", "content"])
def test_changed_and_new_files_are_noticed(uploaded, kind):
    data = pets_data(uploaded, fingerprint=kind)
    seen = [fingerprint(data), fingerprint(data)]
    assert seen[0] == seen[1]
    StorePath(f"{uploaded}/images/Bengal_999.jpg").write_bytes(b"new")
    seen.append(fingerprint(data))
    StorePath(f"{uploaded}/images/Bengal_999.jpg").write_bytes(b"old")
    seen.append(fingerprint(data))
    StorePath(f"{uploaded}/notes.txt").write_bytes(b"no part of it")
    assert fingerprint(data) == seen[-1]
    assert len(set(seen)) == 3


def test_a_missing_photo_is_named(uploaded, tmp_path):
    StorePath(f"{uploaded}/images/Bengal_1.jpg").unlink()
    written = run_example_gen(tmp_path, pets_data(uploaded, max_bad_fraction=0.5))
    assert written.report["quarantined"] == [{"file": "images/Bengal_1.jpg", "reason": "is missing"}]


@pytest.mark.parametrize(
    ("path", "words"),
    [("s3://bucket/nothing", "no folder s3://bucket/nothing"), ("s3://none/x", "s3://none/x")],
)
def test_a_url_without_data_is_one_line(s3, tmp_path, path, words):
    with pytest.raises(UserError, match=words):
        run_example_gen(tmp_path, pets_data(path))
