"""The same drawn data set in every format gives equal raw examples; polygons follow pycocotools' rule."""

from pathlib import Path
from typing import Any

import pytest

from components.example_gen.settings import DataSettings
from tests.components import tiny_pairs
from tests.components.every_format import POLYGONS, RASTER, folder
from tests.components.read_examples import Read, read
from tests.components.same_pairs import CLASSES


def content(result: Read) -> dict[str, dict[str, Any]]:
    """Features by the last part of the name, with decoded masks; names and sizes of files aside."""
    found = {}
    for name, example in result.examples.items():
        features = {
            key: list(getattr(value, value.WhichOneof("kind")).value)
            for key, value in example.features.feature.items()
            if key not in ("image/name", "mask/encoded")
        }
        features["split"] = result.splits[name]
        features["mask"] = tiny_pairs.decoded_mask(example).tolist()
        found[name.split("/")[-1]] = features
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, dict[str, Any]]:
    root = tmp_path_factory.mktemp("folder")
    result = read(root, settings(root / "data", folder(root / "data")))
    assert len(result.examples) == 22
    return content(result)


def settings(root: Path, others: dict[str, Any]) -> DataSettings:
    return DataSettings.model_validate({"path": str(root), "classes": CLASSES, **others})


@pytest.mark.parametrize("kind", RASTER | POLYGONS)
def test_gives_the_same_raw_examples(tmp_path, expected, kind):
    result = read(tmp_path, settings(tmp_path / "data", (RASTER | POLYGONS)[kind](tmp_path / "data")))
    assert result.report["quarantined"] == []
    assert result.report["in_no_list"] == []
    assert content(result) == expected
    assert {name: split for name, split in result.splits.items() if split == "test"}
