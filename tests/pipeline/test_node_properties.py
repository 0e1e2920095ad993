"""The properties of the nodes, which decide what runs again."""

import pytest

from components.example_gen.readers import READERS
from pipeline.node_properties import NodeProperties
from pipeline.paths import Observed, Paths
from pipeline.settings import load_settings
from pipeline.source_hash import source_hash
from tests.conftest import PETS_CONFIG
from trainer.settings import TrainingSettings
from trainer.told_cache import VARIABLE, tell_cache, with_told_cache


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


@pytest.mark.parametrize("cache", ["auto", "memory", "disk"])
def test_where_a_local_run_keeps_examples_is_no_property(cache, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    settings = load_settings(PETS_CONFIG, [f"trainer.cache={cache}"])
    observed = Observed(trainer_cache=tell_cache(settings.trainer).cache)
    told = NodeProperties(settings, Paths("/root", "/pushed", "/work"), observed).trainer()
    assert told == properties("trainer.cache=auto").trainer()
    given = with_told_cache(TrainingSettings.model_validate_json(told["training"]))
    assert given.trainer.cache == cache


def test_streaming_is_a_property_since_its_order_is_another_one(monkeypatch):
    monkeypatch.setenv(VARIABLE, "disk")  # of an earlier run in the same process
    settings = load_settings(PETS_CONFIG, ["trainer.cache=none"])
    assert tell_cache(settings.trainer).cache == "none"
    assert with_told_cache(settings.training).trainer.cache == "none"
    assert properties("trainer.cache=none").trainer() != properties().trainer()
