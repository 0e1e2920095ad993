"""The identity of a training follows what its weights depend on, and no path."""

import shutil
from pathlib import Path

import pytest

from tests.trainer.shapes import shape_pairs, write_pairs
from tests.trainer.small_run import SIZE, small_settings
from trainer.data.pairs import Pairs
from trainer.settings import TrainingSettings
from trainer.training.unfinished.identity import training_identity


@pytest.fixture
def folder(tmp_path) -> Path:
    write_inputs(tmp_path / "first")
    return tmp_path / "first"


def write_inputs(folder: Path, pairs: Pairs | None = None, shards: int = 1) -> None:
    """Writes examples, the encoder's weights and a model to start from."""
    for split in ("train", "eval"):
        write_pairs(folder / f"Split-{split}", pairs or shape_pairs(4, SIZE), shards)
    (folder / "weights.h5").write_bytes(b"weights")
    for model in ("base", "model"):
        (folder / model / "assets.extra").mkdir(parents=True)
        (folder / model / "assets.extra" / "model.weights.h5").write_bytes(b"base")


def settings_in(folder: Path, **trainer) -> TrainingSettings:
    settings = small_settings(**trainer)
    model = settings.model.model_copy(update={"encoder_weights": str(folder / "weights.h5")})
    return settings.model_copy(update={"model": model})


def identity(folder: Path, code: str = "0", warm_start_digest: str = "digest", **trainer) -> str:
    warm_start = warm_start_digest if isinstance(trainer.get("warm_start"), str) else ""
    return training_identity(
        settings_in(folder, **trainer),
        [str(folder / "Split-train" / "*"), str(folder / "Split-eval" / "*")],
        code,
        warm_start=warm_start,
        base_model=str(folder / "base"),
    )


def test_a_moved_folder_has_the_same_identity(folder, tmp_path):
    before = identity(folder, warm_start=str(folder / "model"))
    moved = folder.rename(tmp_path / "elsewhere")
    assert identity(moved, warm_start=str(moved / "model")) == before


def test_without_a_digest_the_files_to_start_from_count(folder, tmp_path):
    """On a cluster nobody gives one."""

    def on_cluster(folder):
        return identity(folder, warm_start_digest="", warm_start=str(folder / "model"))

    before = on_cluster(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert on_cluster(copy) == before
    (copy / "model" / "assets.extra" / "model.weights.h5").write_bytes(b"others")
    assert on_cluster(copy) != before


def test_the_order_of_the_examples_does_not_count(folder, tmp_path):
    write_inputs(tmp_path / "again", shards=3)
    assert identity(tmp_path / "again") == identity(folder)


def test_where_pairs_are_cached_does_not_count(folder):
    assert identity(folder, cache="disk", preview_photos=0) == identity(folder)


def test_what_the_weights_depend_on_counts(folder, tmp_path):
    copies = [tmp_path / name for name in ("pairs", "encoder", "base", "split")]
    write_inputs(copies[0], shape_pairs(4, SIZE, seed=7))
    for copy in copies[1:]:
        shutil.copytree(folder, copy)
    (copies[1] / "weights.h5").write_bytes(b"others")
    (copies[2] / "base" / "assets.extra" / "model.weights.h5").write_bytes(b"others")
    shutil.rmtree(copies[3] / "Split-eval")
    write_pairs(copies[3] / "Split-eval", shape_pairs(3, SIZE))
    identities = {
        identity(folder),
        identity(folder, code="1"),
        identity(folder, seed=2),
        identity(folder, warm_start=str(folder / "model")),
        *(identity(copy) for copy in copies),
    }
    assert len(identities) == 4 + len(copies)
