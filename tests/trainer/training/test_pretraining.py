import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.shapes import shape_pairs
from tests.trainer.tiny_training import assert_same_weights
from trainer.data.input import TrainingBatches
from trainer.losses import one_device
from trainer.models import assemble_model, build_model
from trainer.training.pretraining import pretrain, reconstruction_error

PAIRS = shape_pairs(8, 32)


@pytest.fixture
def pretrained(tiny_settings, tmp_path):
    def run(name, epochs=4):
        settings = tiny_settings(architecture="autoencoder", image_size=32)
        trainer = settings.trainer.model_copy(
            update={"pretrain_epochs": epochs, "batch_size": 4, "learning_rate": 0.01, "schedule": "constant"}
        )
        keras.utils.set_random_seed(settings.trainer.seed)
        model = assemble_model(settings)
        batches = TrainingBatches(PAIRS, 4, trainer.augmentation, seed=1)
        return model, pretrain(model, batches, trainer, str(tmp_path / name)), build_model(settings)

    return run


def test_learns_to_draw_the_photos_with_all_but_the_last_layer(pretrained):
    model, errors, untrained = pretrained("a")
    assert len(errors) == 4
    assert errors[-1] < 0.7 * errors[0]
    last = {id(weight) for weight in model.get_layer("logits").weights}
    for weight, before in zip(model.trainable_weights, untrained.trainable_weights, strict=True):
        assert np.array_equal(weight, before) is (id(weight) in last), weight.path


def test_resumed_and_unbroken_pretraining_end_with_the_same_weights(pretrained):
    unbroken, errors, _ = pretrained("unbroken", epochs=3)
    pretrained("resumed", epochs=2)
    resumed, again, _ = pretrained("resumed", epochs=3)
    assert again == errors
    assert_same_weights(resumed.get_weights(), unbroken.get_weights())


def test_the_error_is_the_mean_square_of_photos_from_minus_one_to_one():
    random = np.random.default_rng(0)
    photos = random.uniform(0, 255, (2, 4, 4, 3)).astype(np.float32)
    drawn = random.normal(size=photos.shape).astype(np.float32)
    expected = np.mean((drawn - (photos / 127.5 - 1)) ** 2)
    error = reconstruction_error(tf.constant(photos), tf.constant(drawn), one_device)
    np.testing.assert_allclose(error, expected, rtol=1e-5)
