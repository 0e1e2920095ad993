"""The exported proposals, drawn again by the reader of COCO, are the predictions."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.example_gen.listing import list_pairs
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from pipeline.suspects.coco_export import ANNOTATIONS, export_coco

CLASSES = ClassTable.model_validate(
    [
        {"value": 7, "name": "cat", "source": ["tom", 7]},
        {"value": 0, "name": "background"},
        {"value": 3, "name": "dog"},
    ]
)
CLASS_IDS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 2))
)
PNG = b"\x89PNG"
"""The reader does not open the photo to draw its mask."""


@settings(max_examples=60)
@given(CLASS_IDS)
def test_what_is_drawn_again_is_the_prediction(tmp_path_factory, class_ids):
    folder = tmp_path_factory.mktemp("export")
    export_coco([("north/a b", PNG, class_ids)], CLASSES, folder)
    content = json.loads((folder / ANNOTATIONS).read_text())
    assert [category["name"] for category in content["categories"]] == ["tom", "background", "dog"]
    # Label Studio takes one polygon for each annotation, and would make a region of each box.
    assert all(len(one["segmentation"]) == 1 and "bbox" not in one for one in content["annotations"])
    data = DataSettings(path=str(folder), format="coco", classes=CLASSES)
    (pair,) = list_pairs(data, str(folder / "scratch")).pairs
    assert pair.name == "north/a b"
    drawn = pair.mask.render(*class_ids.shape)
    np.testing.assert_array_equal(drawn, np.array(CLASSES.values)[class_ids])


def test_background_that_reaches_the_edge_has_no_annotation(tmp_path):
    class_ids = np.ones((9, 9), np.uint8)
    class_ids[2:7, 2:7] = 0
    class_ids[4, 4] = 1
    export_coco([("a", PNG, class_ids)], CLASSES, tmp_path)
    annotations = json.loads((tmp_path / ANNOTATIONS).read_text())["annotations"]
    assert [(one["category_id"], one["area"]) for one in annotations] == [(1, 25), (2, 1)]
