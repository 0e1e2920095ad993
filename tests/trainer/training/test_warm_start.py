import numpy as np
import pytest

from petseg.errors import UserError
from tests.trainer.shapes import tiny_network
from tests.trainer.tiny_training import SETTINGS, SIZE, KillAfter, Killed, assert_same_weights, tiny_train
from trainer.export.export_model import export_model
from trainer.models import build_model
from trainer.training.warm_start import warm_start


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """The checkpoints of a training that was killed in its third epoch, and the best weights till then."""
    folder = tmp_path_factory.mktemp("killed")
    callback = KillAfter(3)
    with pytest.raises(Killed):
        tiny_train(folder, SETTINGS, callbacks=[callback])
    model, _ = tiny_train(folder, SETTINGS.model_copy(update={"epochs": 2}))
    return folder / "checkpoints", model.get_weights()


def test_takes_the_best_weights_of_an_unfinished_training(checkpoints):
    directory, best = checkpoints
    model = tiny_network(SIZE, seed=9)
    warm_start(model, str(directory), "it")
    assert_same_weights(model.get_weights(), best)


def test_another_shape_is_the_users_error(checkpoints):
    message = r"kernel has shape \(3, 3, 8, 5\), but \(3, 3, 8, 3\) in there; keep the same model and classes"
    with pytest.raises(UserError, match=message):
        warm_start(tiny_network(SIZE, classes=5), str(checkpoints[0]), "there")


def test_another_number_of_weights_is_the_users_error(checkpoints, tiny_settings, tmp_path):
    settings = tiny_settings(image_size=32)
    photos = np.zeros((1, 32, 32, 3), np.uint8)
    export_model(build_model(settings), settings, str(tmp_path / "1"), None, photos, ["a"], "# Card")
    wider = build_model(tiny_settings(image_size=32, architecture="fpn"))
    with pytest.raises(UserError, match=r"trainer.warm_start: .* in there \(unet on plain\)|has \d+ weights"):
        warm_start(wider, str(tmp_path / "1"), "there")
    same = build_model(tiny_settings(image_size=32, seed=5))
    warm_start(same, str(tmp_path / "1"), "there")
    assert_same_weights(same.get_weights(), build_model(settings).get_weights())


def test_a_folder_of_something_else_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match="there is neither a SavedModel of this pipeline nor a folder with a"):
        warm_start(tiny_network(SIZE), str(tmp_path), "there")
