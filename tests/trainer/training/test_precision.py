import numpy as np
import pytest
import tensorflow as tf

from petseg.errors import UserError
from tests.trainer.shapes import shape_pairs, tiny_network
from tests.trainer.tiny_training import SETTINGS, SIZE, KillAfter, Killed, assert_same_weights, tiny_train
from trainer.training.precision import BFLOAT16_CPU_FLAGS, compute_dtype
from trainer.training.step import Training

EVERY_MIXED = pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])


@pytest.fixture(scope="module")
def in_float32(tmp_path_factory):
    return tiny_train(tmp_path_factory.mktemp("float32"))


@EVERY_MIXED
def test_learns_as_in_float32(policy, in_float32, tmp_path):
    network = tiny_network(SIZE, policy=policy)
    _, history = tiny_train(tmp_path, network=network)
    assert network.get_layer("encoder").outputs[0].dtype == policy.removeprefix("mixed_")
    losses, expected = ([record["loss"] for record in each] for each in (history, in_float32[1]))
    np.testing.assert_allclose(losses, expected, rtol=0.1)
    assert losses != expected
    assert {weight.dtype for weight in network.trainable_weights} == {"float32"}


@EVERY_MIXED
def test_resumed_and_unbroken_training_end_with_the_same_weights(policy, tmp_path):
    unbroken, _ = tiny_train(tmp_path / "unbroken", network=tiny_network(SIZE, policy=policy))
    with pytest.raises(Killed):
        tiny_train(tmp_path / "resumed", network=tiny_network(SIZE, policy=policy), callbacks=[KillAfter(4)])
    resumed, history = tiny_train(tmp_path / "resumed", network=tiny_network(SIZE, policy=policy))
    assert len(history) == SETTINGS.epochs
    assert_same_weights(resumed.get_weights(), unbroken.get_weights())


def test_float16_training_skips_a_step_that_overflows_and_scales_less():
    network = tiny_network(SIZE, policy="mixed_float16", dropout=0.0)
    training = Training(network, SETTINGS, steps_per_epoch=1)
    training.optimizer.dynamic_scale.assign(2.0**40)
    before = [weight.numpy() for weight in network.trainable_weights]
    pairs = shape_pairs(4, SIZE)
    batch = np.stack(pairs.images).astype(np.float32), np.stack(pairs.masks)
    loss = training.train_epoch(lambda _: tf.data.Dataset.from_tensors(batch), lambda step, loss: None)
    assert np.isfinite(loss)
    assert float(training.optimizer.dynamic_scale) == 2.0**39
    assert int(training.optimizer.iterations) == 0
    assert_same_weights(before, [weight.numpy() for weight in network.trainable_weights])


def test_dtypes_follow_the_device():
    with open("/proc/cpuinfo") as info:
        flags = set(info.read().split())
    gpus = tf.config.list_physical_devices("GPU")
    assert compute_dtype("off") == "float32"
    assert compute_dtype("float16") == "float16"
    if gpus:
        assert compute_dtype("auto") in ("bfloat16", "float16")
    elif flags & set(BFLOAT16_CPU_FLAGS):
        assert compute_dtype("auto") == compute_dtype("bfloat16") == "bfloat16"
    else:
        assert compute_dtype("auto") == "float32"
        with pytest.raises(UserError, match="and this machine has neither; set auto or off"):
            compute_dtype("bfloat16")
