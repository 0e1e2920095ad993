"""One training on one device, on two logical ones, and by two workers on loopback: the same losses."""

import numpy as np
import pytest
import tensorflow as tf

from petseg.errors import UserError
from tests.conftest import PROJECT
from tests.trainer.small_run import (
    history,
    small_settings,
    start,
    start_workers,
    training_paths,
    worker_arguments,
    write_inputs,
)
from trainer.run import run
from trainer.settings import TrainerSettings
from trainer.training.distribution import for_replicas, make_strategy

SCRIPT = PROJECT / "tests/trainer/small_run.py"
SECONDS_TO_END = 300
"""In which workers must have noticed that another is gone; they take about 10 s on an idle machine."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder


@pytest.fixture(scope="module")
def alone(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    run(small_settings(), training_paths(inputs, folder))
    return history(folder)


def assert_same_training(folder, expected):
    trained = history(folder)
    losses, expected_losses = ([record["loss"] for record in each] for each in (trained, expected))
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    # A pixel on the edge between two classes may fall to the other side.
    np.testing.assert_allclose(
        [record["mean_iou"] for record in trained], [record["mean_iou"] for record in expected], atol=0.01
    )
    loaded = tf.saved_model.load(str(folder / "model" / "Format-Serving"))
    prediction = loaded.signatures["images"](tf.zeros([1, 20, 30, 3], tf.uint8))
    assert prediction["mask"].shape == (1, 20, 30)
    assert not (folder / "checkpoints").exists()
    assert len(list((folder / "model_run").glob("events.out.tfevents*"))) == 1


def test_two_devices_of_one_machine_train_like_one(alone, inputs, tmp_path):
    settings = small_settings(distribution="mirrored")
    process = start([str(SCRIPT), str(inputs), str(tmp_path), settings.model_dump_json()])
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert_same_training(tmp_path, alone)


@pytest.mark.slow
def test_two_devices_scale_the_loss_of_float16_together(alone, inputs, tmp_path):
    """A replica that skipped a step alone, or scaled otherwise, would end elsewhere."""
    for distribution in ("none", "mirrored"):
        settings = small_settings(distribution=distribution, precision="float16")
        folder = tmp_path / distribution
        process = start([str(SCRIPT), str(inputs), str(folder), settings.model_dump_json()])
        said, _ = process.communicate()
        assert process.returncode == 0, said
    one, two = ([record["loss"] for record in history(tmp_path / name)] for name in ("none", "mirrored"))
    np.testing.assert_allclose(two, one, rtol=2e-3)
    np.testing.assert_allclose(one, [record["loss"] for record in alone], rtol=0.05)


@pytest.mark.slow
def test_two_workers_train_like_one(alone, inputs, tmp_path):
    workers = start_workers([small_settings(distribution="multi_worker")] * 2, inputs, tmp_path)
    chief, other = (worker.communicate()[0] for worker in workers)
    assert [worker.returncode for worker in workers] == [0, 0], chief + other
    assert_same_training(tmp_path, alone)
    assert "epoch 4/4: loss" in chief
    assert "epoch" not in other


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["memory", "disk", "auto"])
def test_two_workers_that_keep_their_own_examples_train_like_one_device(cache, tmp_path):
    write_inputs(tmp_path, pairs=160, shards=3)
    run(small_settings(batch_size=80), training_paths(tmp_path, tmp_path / "one"))
    settings = [small_settings(batch_size=80, cache=cache, distribution="multi_worker")] * 2
    workers = start_workers(settings, tmp_path, tmp_path / "two")
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    # 80 of its own, and those of the other among the first 32, which both keep.
    assert all("this worker keeps 96 of 160 training examples" in each for each in said)
    assert_same_training(tmp_path / "two", history(tmp_path / "one"))


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 4])
def test_two_workers_stream_like_one_device(shards, tmp_path):
    """With four shards each reads its own two; with one, both read it."""
    write_inputs(tmp_path, pairs=20, shards=shards)
    run(small_settings(cache="none", learning_rate=0.001), training_paths(tmp_path, tmp_path / "one"))
    streamed = small_settings(cache="none", learning_rate=0.001, distribution="multi_worker")
    settings = [streamed] * 2
    workers = start_workers(settings, tmp_path, tmp_path / "two")
    chief, other = (worker.communicate()[0] for worker in workers)
    assert [worker.returncode for worker in workers] == [0, 0], chief + other
    assert_same_training(tmp_path / "two", history(tmp_path / "one"))


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_worker_ends_the_run_and_the_next_run_resumes(lost, inputs, tmp_path):
    settings = [small_settings(distribution="multi_worker", epochs=12)] * 2
    workers = start_workers(settings, inputs, tmp_path)
    for line in workers[0].stdout:
        if line.startswith("epoch 2/12: loss"):
            workers[lost].kill()
            break
    said, _ = workers[1 - lost].communicate(timeout=SECONDS_TO_END)
    workers[lost].wait()
    assert workers[1 - lost].returncode != 0
    assert "another worker of this training died or cannot be reached; the next start" in said
    again = start_workers(settings, inputs, tmp_path)
    chief, other = (worker.communicate()[0] for worker in again)
    assert [worker.returncode for worker in again] == [0, 0], chief + other
    assert "resuming an unfinished training after epoch" in chief
    assert [record["epoch"] for record in history(tmp_path)] == list(range(1, 13))


@pytest.mark.slow
def test_workers_with_different_settings_refuse_to_train(inputs, tmp_path):
    settings = [small_settings(distribution="multi_worker", seed=seed) for seed in (1, 2)]
    workers = start_workers(settings, inputs, tmp_path)
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [2, 2], said
    assert all("error: the workers of a training must be given the same settings" in each for each in said)


def test_a_worker_without_a_role_is_the_users_error(inputs, tmp_path):
    settings = small_settings(distribution="multi_worker")
    worker = start(["-m", "trainer.worker", *worker_arguments(settings, inputs, tmp_path)], TF_CONFIG="")
    said, _ = worker.communicate()
    assert worker.returncode == 2
    assert said.splitlines()[-1].startswith("error: trainer.distribution: multi_worker needs the environment")


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("argument", ["checkpoints", "model", "model-run"])
def test_a_folder_that_tensorflow_cannot_write_is_one_line(inputs, tmp_path, argument, workers):
    """No traceback of TensorFlow's, and no lost worker."""
    (tmp_path / "file").touch()
    folder = f"{tmp_path}/file/{argument}"
    settings = small_settings(epochs=1, distribution="none" if workers == 1 else "multi_worker")
    started = start_workers([settings] * workers, inputs, tmp_path, f"--{argument}={folder}")
    said = started[0].communicate()[0]
    for other in started[1:]:
        other.communicate(timeout=SECONDS_TO_END)
    assert started[0].returncode == 2, said
    assert "Traceback" not in said
    last = said.splitlines()[-1]
    assert last.startswith(f"error: {tmp_path}/file")
    assert last.endswith(": Not a directory; name a path whose folders are folders")


@pytest.mark.parametrize(
    ("scaling", "batch_size", "learning_rate"),
    [("none", 32, 0.001), ("linear", 128, 0.004), ("sqrt", 128, 0.002)],
)
def test_batch_and_learning_rate_follow_the_rule(scaling, batch_size, learning_rate):
    scaled = for_replicas(TrainerSettings(replica_scaling=scaling, learning_rate=0.001), 4)
    assert scaled.batch_size == batch_size
    assert scaled.learning_rate == pytest.approx(learning_rate)


def test_a_batch_that_cannot_be_sharded_is_the_users_error():
    with pytest.raises(
        UserError, match=r"trainer\.batch_size must be a multiple of the number of replicas, 3"
    ):
        for_replicas(TrainerSettings(), 3)


def test_a_loss_that_needs_the_whole_batch_is_refused():
    with pytest.raises(ValueError, match=r"lovasz_weight must be 0 unless trainer\.distribution is none"):
        TrainerSettings(lovasz_weight=1.0, distribution="mirrored")


def test_one_device_needs_no_strategy():
    assert make_strategy("none") is tf.distribute.get_strategy()
