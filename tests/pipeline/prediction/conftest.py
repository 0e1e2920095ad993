"""A tiny model for predict and app, whose classes are dark, medium and bright."""

from pathlib import Path

import pytest

from tests.components.serving_models import save_model


@pytest.fixture(scope="package")
def model(tmp_path_factory) -> Path:
    """A folder of versions with one model in it."""
    versions = tmp_path_factory.mktemp("app") / "serving_model"
    save_model(versions / "1790000000")
    return versions


@pytest.fixture(scope="package")
def model_of_the_last_release(tmp_path_factory) -> Path:
    """The same, as release 0.1.0 exported it: its masks hold class ids."""
    versions = tmp_path_factory.mktemp("last_release") / "serving_model"
    save_model(versions / "1780000000", last_release=True)
    return versions
