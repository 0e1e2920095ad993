import random

import numpy as np
import pytest
from matplotlib.image import imread

from petseg.errors import UserError
from pipeline.config_file import read_config
from pipeline.network_plot import network_rows, plot
from pipeline.settings import PipelineSettings
from tests.conftest import PETS_CONFIG, petseg
from trainer.models import REGISTRY, build_model

PETS = read_config(PETS_CONFIG)["data"]


def settings(architecture="unet", **model):
    small = {"architecture": architecture, "encoder": "plain", "encoder_width": 4, "image_size": 64}
    # The weights of a frozen encoder come from somewhere.
    trainer = {"warm_start": True}
    return PipelineSettings.model_validate(
        {"data": PETS, "model": small | model, "trainer": trainer}
    ).training


@pytest.mark.parametrize("architecture", REGISTRY)
def test_every_layer_and_every_connection_is_shown(architecture):
    model = build_model(settings(architecture))
    rows = network_rows(model)
    nodes = [node for nodes in model._nodes_by_depth.values() for node in nodes]
    behind = [node for node in nodes if node.operation.name not in ("photos", "encoder")]
    assert len(rows) == 1 + len(model.get_layer("encoder").outputs) + len(behind)
    assert all(source < place for place, row in enumerate(rows) for source in row.sources)
    (logits,) = [row for row in rows if row.text.startswith("logits ")]
    assert rows[-1] == logits
    assert "64 x 64 x 3" in logits.text
    joins = [row for row in rows if len(row.sources) > 1]
    assert bool(joins) is (architecture not in ("autoencoder", "fcn32s"))


def test_a_layer_is_shown_wherever_it_stands_and_its_parameters_once():
    rows = network_rows(build_model(settings("mask_rcnn", pyramid_filters=16)))
    scores = [row for row in rows if row.text.startswith("propose_scores ")]
    assert [row.text.split()[1] for row in scores] == ["Conv2D", "(again)", "(again)", "(again)"]
    assert [rows[row.sources[0]].text.split()[0] for row in scores] == ["propose"] * 4
    assert ["51" in row.text.split() for row in scores] == [True, False, False, False]


def test_a_frozen_encoder_is_told_from_a_trained_one():
    states = [network_rows(build_model(settings(freeze_encoder=freeze)))[1].state for freeze in (True, False)]
    assert states == ["frozen", "trained"]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_writes_the_picture(suffix, tmp_path):
    file = tmp_path / "new" / f"network{suffix}"
    plot(settings(), file)
    if suffix == ".png":
        picture = imread(file)[..., :3]
        assert picture.shape[0] > 300
        assert 0.01 < (picture < 0.5).any(axis=-1).mean() < 0.5
    else:
        assert "<svg" in file.read_text()


def test_leaves_the_random_state_of_the_process_alone(tmp_path):
    random.seed(7)
    np.random.seed(7)
    expected = random.Random(7).random(), np.random.RandomState(7).random()
    plot(settings(), tmp_path / "network.svg")
    assert (random.random(), np.random.random()) == expected


def test_an_unknown_ending_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match=r"--output .*network.jpg: must end in .png, .svg, .pdf"):
        plot(settings(), tmp_path / "network.jpg")


def test_the_command_says_where_the_picture_is_and_no_more(tmp_path):
    done = petseg("plot", "--config", "configs/demo.yaml", "--output", tmp_path / "network.svg")
    assert (done.status, done.stdout) == (0, f"network in {tmp_path / 'network.svg'}\n")
    assert "oneDNN" not in done.stderr
