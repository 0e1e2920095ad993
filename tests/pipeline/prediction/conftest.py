"""A tiny model for predict and app, whose classes are dark, medium and bright."""

import json
from pathlib import Path

import pytest

from tests.components.serving_models import save_model

COLORS = {"dark": "#ff0000", "medium": "#00ff00", "bright": "#0000ff"}


@pytest.fixture(scope="package")
def model(tmp_path_factory) -> Path:
    """A folder of versions with one model in it."""
    versions = tmp_path_factory.mktemp("app") / "serving_model"
    folder = save_model(versions / "1790000000")
    classes = [{"value": i, "name": name, "color": color} for i, (name, color) in enumerate(COLORS.items())]
    (folder / "assets.extra" / "settings.json").write_text(json.dumps({"classes": {"classes": classes}}))
    return versions
