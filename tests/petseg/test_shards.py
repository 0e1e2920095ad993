import pytest

from petseg.errors import UserError
from petseg.shards import shard_files


def write(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_all_shards_of_one_writer_are_found_in_order(tmp_path):
    names = [f"data_tfrecord-{index:05d}-of-00003.gz" for index in range(3)]
    write(tmp_path, *reversed(names))
    assert shard_files([f"{tmp_path}/*"]) == [f"{tmp_path}/{name}" for name in names]
    assert shard_files([f"{tmp_path}/missing/*"]) == []


def test_a_file_that_is_no_shard_is_read_alone(tmp_path):
    write(tmp_path, "examples.gz")
    assert shard_files([f"{tmp_path}/*"]) == [f"{tmp_path}/examples.gz"]


@pytest.mark.parametrize(
    "names",
    [
        ["data-00000-of-00001.gz", "data-00000-of-00002.gz", "data-00001-of-00002.gz"],
        ["data-00000-of-00002.gz"],
        ["data-00000-of-00001.gz", "other-00000-of-00001.gz"],
        ["data-00000-of-00001.gz", "data-00000-of-00001.gz.part"],
    ],
    ids=["of an earlier run", "one is missing", "of another node", "half written"],
)
def test_shards_of_several_writers_are_refused(tmp_path, names):
    write(tmp_path, *names)
    with pytest.raises(UserError, match="not the shards of one writer"):
        shard_files([f"{tmp_path}/*"])
