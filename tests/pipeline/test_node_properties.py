"""The properties of the nodes, which decide what runs again."""

import pytest

from components.example_gen.readers import READERS
from pipeline.node_properties import NodeProperties
from pipeline.paths import Observed, Paths
from pipeline.settings import load_settings
from pipeline.source_hash import source_hash
from tests.conftest import PETS_CONFIG


def properties(*overrides: str) -> NodeProperties:
    return NodeProperties(
        load_settings(PETS_CONFIG, overrides), Paths("/root", "/pushed", "/work"), Observed()
    )


@pytest.mark.parametrize(
    "search",
    [
        "{model.encoder: {values: [plain, mobilenet_v2]}}",
        "{trainer.lovasz_weight: {min: 0, max: 1}}",
    ],
)
def test_what_the_tuner_may_choose_is_part_of_the_trainers_hash(search):
    searched, tuned = f"tuner.search={search}", "tuner.enabled=true"
    assert properties(searched, tuned).trainer()["code"] != properties(tuned).trainer()["code"]
    assert properties(searched).trainer()["code"] == properties().trainer()["code"]


def test_a_learning_rate_is_no_property_of_transform():
    changed = properties("trainer.learning_rate=0.1")
    assert changed.transform()["custom_config"] == properties().transform()["custom_config"]
    assert changed.trainer()["training"] != properties().trainer()["training"]


def test_the_code_of_every_reader_counts_where_the_format_is_recognized():
    of_all = source_hash(
        "components.example_gen.component", chosen={"components.example_gen.readers": READERS}
    )
    assert properties("data.format=auto").example_gen()["code"] == of_all
    assert properties().example_gen()["code"] != of_all
