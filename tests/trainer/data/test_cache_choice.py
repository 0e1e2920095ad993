"""Where examples are kept: what `auto` chooses, and caches that cannot be written."""

import logging
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest
import tensorflow as tf

from petseg.errors import UserError
from tests.conftest import PROJECT
from tests.trainer.shapes import shape_pairs, write_pairs
from tests.trainer.small_run import SIZE, history, small_settings, training_paths, write_inputs
from trainer.data import cache_choice
from trainer.data.cache_choice import choose_cache
from trainer.data.examples import load_examples
from trainer.data.free_memory import free_memory
from trainer.data.pairs import Pairs, load_pairs
from trainer.data.streaming import StreamedPairs
from trainer.run import run

ONE_DEVICE = tf.distribute.get_strategy()
GB = 10**9


@pytest.mark.parametrize(
    ("needed", "memory", "disk", "resumes", "expected"),
    [
        (4 * GB, 8 * GB, 0, False, "memory"),
        (4 * GB, 7 * GB, 5 * GB, False, "disk"),
        (4 * GB, 7 * GB, 4 * GB, False, "none"),
        (1, 8 * GB, 8 * GB, True, "none"),
    ],
)
def test_auto_takes_the_fastest_that_fits(needed, memory, disk, resumes, expected, monkeypatch, caplog):
    monkeypatch.setattr(cache_choice, "free_memory", lambda: memory)
    monkeypatch.setattr(cache_choice.shutil, "disk_usage", lambda folder: SimpleNamespace(free=disk))
    with caplog.at_level(logging.INFO, "petseg"):
        assert choose_cache(needed, ONE_DEVICE, resumes_streamed=resumes) == expected
    (said,) = caplog.messages
    assert said.startswith(f"trainer.cache: auto chose {expected}: ")
    assert ("unfinished" if resumes else "4.00 GB") in said


def test_small_data_stays_in_memory_and_none_is_kept_nowhere(tmp_path):
    write_inputs(tmp_path)
    paths = training_paths(tmp_path, tmp_path)
    for cache, kind in (("auto", Pairs), ("none", StreamedPairs)):
        for loaded in load_examples(paths.train, paths.evaluation, small_settings(cache=cache), ONE_DEVICE):
            assert isinstance(loaded, kind)


def test_auto_goes_on_streaming_where_an_unfinished_training_streamed(tmp_path):
    write_inputs(tmp_path)
    paths = training_paths(tmp_path, tmp_path)
    streamed, _ = load_examples(paths.train, paths.evaluation, small_settings(cache="none"), ONE_DEVICE)
    unfinished = tmp_path / "checkpoints" / "float32" / streamed.order
    unfinished.mkdir(parents=True)
    (unfinished / "checkpoint").touch()
    resumed, _ = load_examples(
        paths.train, paths.evaluation, small_settings(), ONE_DEVICE, str(tmp_path / "checkpoints")
    )
    assert isinstance(resumed, StreamedPairs)


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


@pytest.mark.parametrize("seen_from_inside", [True, False])
def test_free_memory_obeys_the_limits_of_a_container(tmp_path, seen_from_inside):
    """A container sees its own group as the root, and is told a path that only its host has."""
    membership = tmp_path / "cgroup"
    membership.write_text("4:cpu,memory:/pod/main\n0::/pod/main\n")
    root = tmp_path / "cgroups"
    limits = {"memory__max": 3000, "memory__current": 2000, "memory__stat": "anon 1400\ninactive_file 500"}
    group(root if seen_from_inside else root / "pod", **limits)
    group(root / "pod" / "main", memory__max="max", memory__current=100, memory__stat="inactive_file 0")
    assert free_memory(root, membership) == 1500


def test_free_memory_obeys_the_limits_of_older_control_groups(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("4:memory:/pod\n1:cpu:/pod\n")
    limits = {"memory__limit_in_bytes": 3000, "memory__usage_in_bytes": 2900}
    group(tmp_path / "cgroups" / "memory" / "pod", memory__stat="total_inactive_file 50", **limits)
    assert free_memory(tmp_path / "cgroups", membership) == 150


def test_free_memory_obeys_ulimit():
    script = (
        "import resource; from trainer.data.free_memory import free_memory; import psutil; "
        "resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 10**8,) * 2); "
        "assert 0 < free_memory() <= 10**8, free_memory()"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)


def test_a_full_disk_names_the_setting_and_the_remedy(tmp_path):
    write_pairs(tmp_path / "split", shape_pairs(20, SIZE))
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000)); "
        "from trainer.data.pairs import load_pairs; "
        f"load_pairs([sys.argv[1] + '/split/*'], ({SIZE}, {SIZE}), 'disk')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "UserError: trainer.cache: disk cannot be written in " in done.stderr
    assert "set TMPDIR to a folder on a disk with more space, or set trainer.cache to none" in done.stderr


def test_a_folder_that_cannot_be_written_is_the_users_error(tmp_path, monkeypatch):
    write_pairs(tmp_path / "split", shape_pairs(2, SIZE))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"trainer\.cache: disk cannot be written in .*missing: No such file"):
        load_pairs([f"{tmp_path}/split/*"], (SIZE, SIZE), "disk")


def test_a_cache_leaves_no_files(tmp_path, monkeypatch):
    write_pairs(tmp_path / "split", shape_pairs(2, SIZE))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    pairs = load_pairs([f"{tmp_path}/split/*"], (SIZE, SIZE), "disk")
    assert len(pairs) == 2
    assert not list((tmp_path / "temporary").iterdir())


def test_a_shard_that_changes_during_the_training_is_the_users_error(tmp_path):
    write_inputs(tmp_path)
    paths = training_paths(tmp_path, tmp_path)
    settings = small_settings(cache="none")
    train, _ = load_examples(paths.train, paths.evaluation, settings, ONE_DEVICE)
    (shard,) = (tmp_path / "examples" / "Split-train").iterdir()
    shard.write_bytes(shard.read_bytes() + b"more")
    with pytest.raises(UserError, match="was changed or removed during the training"):
        train.records.check_unchanged()
    shard.unlink()
    with pytest.raises(UserError, match="was changed or removed during the training"):
        train.records.check_unchanged()


def test_memory_and_disk_train_alike_and_none_in_another_order(tmp_path):
    write_inputs(tmp_path, pairs=20)
    losses = {}
    for cache in ("memory", "disk", "none", "auto"):
        folder = tmp_path / cache
        run(small_settings(cache=cache, epochs=2), training_paths(tmp_path, folder))
        losses[cache] = [record["loss"] for record in history(folder)]
    assert losses["memory"] == losses["disk"] == losses["auto"] != losses["none"]
