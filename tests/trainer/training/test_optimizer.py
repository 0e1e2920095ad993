import keras
import numpy as np

from trainer.training.optimizer import LayerwiseAdamW


def variables():
    random = np.random.default_rng(0)
    return [keras.Variable(random.normal(size=shape).astype(np.float32)) for shape in [(3, 4), (4,), (4, 2)]]


def gradients(step):
    random = np.random.default_rng(step + 1)
    return [random.normal(size=shape).astype(np.float32) for shape in [(3, 4), (4,), (4, 2)]]


def test_is_keras_adamw_without_decay_on_biases():
    ours, theirs = variables(), variables()
    optimizer = LayerwiseAdamW(0.01, 0.1, ours, [1, 1, 1])
    reference = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    reference.exclude_from_weight_decay(var_list=[theirs[1]])
    reference.build(theirs)
    for step in range(5):
        optimizer.apply(gradients(step))
        reference.apply(gradients(step))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5)


def test_a_factor_is_a_learning_rate_of_its_own():
    slow, reference = variables(), variables()
    before = slow[2].numpy()
    optimizer = LayerwiseAdamW(0.01, 0.1, slow, [0.1, 0.1, 1])
    slower = LayerwiseAdamW(0.001, 0.1, reference, [1, 1, 1])
    for step in range(3):
        optimizer.apply(gradients(step))
        slower.apply(gradients(step))
    np.testing.assert_allclose(slow[0].numpy(), reference[0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(slow[1].numpy(), reference[1].numpy(), rtol=1e-5)
    assert np.abs(slow[2].numpy() - before).min() > 3 * np.abs(reference[2].numpy() - before).min()
