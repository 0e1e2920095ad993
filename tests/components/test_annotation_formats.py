"""Annotation files of COCO, labelme, YOLO and VOC: what is special about each, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.example_gen.settings import DataSettings
from petseg.coco_rle import counts_of_mask
from petseg.errors import UserError
from pipeline.inspection.init import write_config
from tests.components import tiny_pairs
from tests.components.read_examples import Read, read

INSTANCES = "annotations/instances_all.json"
NAMES = [f"p{number:02d}" for number in range(20)]
TABLE = ["background", "cat"]
SQUARE = [10, 10, 30, 10, 30, 30, 10, 30]
INSIDE = np.zeros((48, 64), bool)
INSIDE[10:30, 10:30] = True


def photos(root: Path, pattern: str = "images/{}.jpg") -> None:
    for number, name in enumerate(NAMES):
        path = root / pattern.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        tiny_pairs.photo(number).save(path)


def coco(annotations: list[dict[str, Any]], categories: list[str], **images: object) -> dict[str, Any]:
    files = [{"id": n, "file_name": f"{name}.jpg", "height": 48, "width": 64} for n, name in enumerate(NAMES)]
    return {
        "images": [file | images for file in files],
        "annotations": [{"id": n, "iscrowd": 0, **each} for n, each in enumerate(annotations)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(categories)],
    }


def squares(**others: object) -> list[dict[str, Any]]:
    return [{"image_id": n, "category_id": 0, "segmentation": [SQUARE], **others} for n in range(len(NAMES))]


def result(tmp_path: Path, **settings: object) -> Read:
    values = {"path": str(tmp_path / "data"), "classes": TABLE, **settings}
    return read(tmp_path, DataSettings.model_validate(values))


def mask_of(read_: Read, name: str = "p00") -> np.ndarray:
    return tiny_pairs.decoded_mask(read_.examples[name])


def write_json(root: Path, path: str, content: object) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(json.dumps(content))


def test_label_studios_coco_export(tmp_path):
    """`convert_to_coco` in label_studio_converter/converter.py: result.json beside images/, ids from 0."""
    photos(tmp_path / "data", "images/8d2b1c-{}.jpg")
    content = coco(squares(ignore=0, area=400), ["cat"])
    for number, file in enumerate(content["images"]):
        file["file_name"] = f"images{'/' if number % 2 else chr(92)}8d2b1c-{NAMES[number]}.jpg"
    write_json(tmp_path / "data", "result.json", content)
    read_ = result(tmp_path, format="coco", eval_percent=30)
    assert list(read_.examples) == [f"8d2b1c-{name}" for name in NAMES]
    np.testing.assert_array_equal(mask_of(read_, "8d2b1c-p00"), INSIDE.astype(int))


def test_crowds_are_ignored_and_lie_behind_objects(tmp_path):
    photos(tmp_path / "data")
    crowd = {"segmentation": {"size": [48, 64], "counts": [0, 48 * 64]}, "iscrowd": 1, "area": 1}
    write_json(tmp_path / "data", INSTANCES, coco([*squares(), *squares(**crowd)], ["cat"]))
    with pytest.raises(UserError, match="ignored_value must be set"):
        result(tmp_path, format="coco")
    classes = {"classes": TABLE, "ignored_value": 255}
    with pytest.raises(UserError, match="no mask has a pixel of class background"):
        result(tmp_path, format="coco", classes=classes)
    crowd["segmentation"] = {"size": [48, 64], "counts": [48 * 32, 48 * 32]}
    write_json(tmp_path / "data", INSTANCES, coco([*squares(), *squares(**crowd)], ["cat"]))
    expected = INSIDE.astype(int)
    expected[:, 32:] = 255
    np.testing.assert_array_equal(mask_of(result(tmp_path, format="coco", classes=classes)), expected)


def cvat(annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """What CVAT's "COCO 1.0" writes, see Datumaro, plugins/coco_format/converter.py."""
    content = coco([each | {"attributes": {"occluded": False}} for each in annotations], ["cat", "dog"])
    for number, one in enumerate(content["annotations"]):
        one |= {"id": number + 1, "category_id": one["category_id"] + 1, "bbox": [10.0, 10.0, 20.0, 20.0]}
    content["images"] = [
        image | {"id": image["id"] + 1, "license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
        for image in content["images"]
    ]
    for one in content["annotations"]:
        one["image_id"] += 1
    for one in content["categories"]:
        one |= {"id": one["id"] + 1, "supercategory": ""}
    info = {"contributor": "", "date_created": "", "description": "", "url": "", "version": "", "year": ""}
    return {"licenses": [{"name": "", "id": 0, "url": ""}], "info": info} | content


def brushed(inside: np.ndarray) -> dict[str, Any]:
    """A brushed mask: uncompressed runs with iscrowd: 1."""
    counts = counts_of_mask(inside)
    return {"segmentation": {"counts": counts, "size": [48, 64]}, "iscrowd": 1, "area": float(inside.sum())}


def test_brushed_masks_of_cvat_are_labels_where_the_settings_say_so(tmp_path):
    """CVAT's export has polygons and brushed masks side by side; the rule of COCO would ignore the latter."""
    photos(tmp_path / "data", "images/default/{}.jpg")
    annotations = [
        each | (brushed(INSIDE) if number % 2 else {"area": 400.0}) for number, each in enumerate(squares())
    ]
    annotations += [each | brushed(~INSIDE) | {"category_id": 1} for each in squares()]
    write_json(tmp_path / "data", "annotations/instances_default.json", cvat(annotations))
    message = r"data\.crowds must be set: .*_default\.json has 30 annotations .* as CVAT writes brushed masks"
    with pytest.raises(UserError, match=message):
        result(tmp_path, format="coco", classes=["dog", "cat"])
    read_ = result(tmp_path, format="coco", classes=["dog", "cat"], crowds="labels")
    for name in NAMES:
        np.testing.assert_array_equal(mask_of(read_, name), INSIDE.astype(int))
    classes = {"classes": ["dog", "cat"], "ignored_value": 9}
    with pytest.raises(UserError, match=r"_default\.json: p01\.jpg: has only ignored pixels"):
        result(tmp_path, format="coco", classes=classes, crowds="ignored")


def test_auto_and_init_take_brushed_masks_as_labels_and_say_so(tmp_path, caplog):
    photos(tmp_path / "data", "images/default/{}.jpg")
    annotations = [each | brushed(INSIDE) for each in squares()]
    write_json(tmp_path / "data", "annotations/instances_default.json", cvat(annotations))
    with caplog.at_level("INFO", "petseg"):
        read_ = result(tmp_path, format="auto")
    np.testing.assert_array_equal(mask_of(read_), INSIDE.astype(int))
    assert "20 annotations have iscrowd: 1, as CVAT writes brushed masks" in caplog.text
    with pytest.raises(UserError, match="no mask has a pixel of class cat"):
        result(tmp_path, format="auto", classes={"classes": TABLE, "ignored_value": 9}, crowds="ignored")
    config = tmp_path / "mine.yaml"
    list(write_config("petseg", str(tmp_path / "data"), config, None))
    text = config.read_text()
    assert "  crowds: labels\n" in text
    assert "# CHECK: annotations with iscrowd: 1 are labels, as CVAT writes brushed masks" in text


def test_a_photo_without_annotation_is_background(tmp_path):
    photos(tmp_path / "data")
    write_json(tmp_path / "data", INSTANCES, coco(squares()[1:], ["cat"]))
    assert not mask_of(result(tmp_path, format="coco")).any()


def test_labels_that_the_table_lacks_are_all_named(tmp_path):
    photos(tmp_path / "data")
    annotations = [each | {"category_id": n % 3} for n, each in enumerate(squares())]
    write_json(tmp_path / "data", INSTANCES, coco(annotations, ["cat", "dog", "tree", "car"]))
    with pytest.raises(UserError, match=r"data\.classes lacks the labels dog, tree; it has background, cat"):
        result(tmp_path, format="coco")
    merged = [{"value": 0, "name": "background"}, {"value": 1, "name": "animal", "source": ["cat", "dog"]}]
    read_ = result(tmp_path, format="coco", classes={"classes": merged, "ignored_value": "tree"})
    assert {int(mask_of(read_, name).max()) for name in NAMES} == {1, 255}


def test_the_background_is_never_guessed(tmp_path):
    photos(tmp_path / "data")
    write_json(tmp_path / "data", INSTANCES, coco(squares(), ["cat"]))
    with pytest.raises(UserError, match=r"no annotation has the labels road, wall.*source: background"):
        result(tmp_path, format="coco", classes=["road", "cat", "wall"])


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({}, {}, r"has no annotations/\*\.json"),
        ({"annotations/instances_a.json": {}}, {}, "is no COCO file: it has no list images"),
        (
            {INSTANCES: 0, "annotations/stuff_a.json": 0},
            {},
            "has instances, stuff: set data",
        ),
        (
            {INSTANCES: 0},
            {"masks": "other/*.json"},
            r"no file below .* matches other/\*\.json",
        ),
    ],
)
def test_annotation_files_that_cannot_be_are_refused(tmp_path, files, settings, message):
    photos(tmp_path / "data")
    for path, content in files.items():
        write_json(tmp_path / "data", path, content)
    with pytest.raises(UserError, match=message):
        result(tmp_path, format="coco", **settings)


def test_broken_annotations_are_quarantined_with_the_reason(tmp_path):
    photos(tmp_path / "data")
    (tmp_path / "data/images/p00.jpg").unlink()
    annotations = squares()
    annotations[1]["segmentation"] = []
    annotations[2]["segmentation"] = [[1, 2, 3, 4]]
    annotations[3]["segmentation"] = {"size": [48, 64], "counts": [5]}
    write_json(tmp_path / "data", INSTANCES, coco(annotations, ["cat"]))
    read_ = result(tmp_path, format="coco", max_bad_fraction=0.5)
    reasons = {note["reason"] for note in read_.report["quarantined"]}
    assert reasons == {
        "is missing; annotations/instances_all.json names it",
        "image p01.jpg: annotation 1 has a box, but no segmentation",
        "has a shape that cannot be drawn: a polygon of 2 points",
        "has a shape that cannot be drawn: run lengths of 5 pixels do not make 64 x 48",
    }
    assert len(read_.examples) == len(NAMES) - 4


def labelme(kind: str, points: list[list[float]], label: str = "cat") -> dict[str, Any]:
    shapes = [{"label": label, "points": points, "shape_type": kind}]
    return {"shapes": shapes, "imagePath": "x.jpg", "imageHeight": 48, "imageWidth": 64}


def test_labelme_shapes(tmp_path):
    root = tmp_path / "data"
    photos(root, "{}.jpg")
    for name in NAMES[:15]:
        write_json(root, f"{name}.json", labelme("rectangle", [[10, 10], [30, 30]]))
    write_json(root, "p01.json", labelme("circle", [[20, 20], [30, 20]]))
    write_json(root, "p02.json", labelme("line", [[10, 10], [30, 30]]))
    write_json(root, "p03.json", labelme("polygon", [[10, 10], [30, 30], [10, 30]], label="dog"))
    write_json(root, "p04.json", labelme("polygon", [[10, 10], [30, 30], [10, 30]], label="__ignore__"))
    write_json(root, "gone.json", labelme("rectangle", [[10, 10], [30, 30]]))
    classes = {"classes": TABLE, "ignored_value": 9}
    read_ = result(tmp_path, format="labelme", classes=classes, max_bad_fraction=0.5)
    np.testing.assert_array_equal(mask_of(read_), INSIDE.astype(int))
    assert np.count_nonzero(mask_of(read_, "p01")) == pytest.approx(np.pi * 100, rel=0.05)
    assert set(np.unique(mask_of(read_, "p04"))) == {0, 9}
    reasons = read_.reasons()
    assert "shape of type line" in reasons["p02.json"]
    assert "has the label dog" in reasons["p03.json"]
    assert "has no photo" in reasons["gone.json"]
    assert read_.report["in_no_list"] == NAMES[15:], "they are not labeled yet"


def test_yolo_without_names_takes_numbers_as_sources(tmp_path):
    root = tmp_path / "data"
    photos(root)
    (root / "labels").mkdir()
    line = " ".join(f"{value:.6f}" for value in (np.reshape(SQUARE, (-1, 2)) / [64, 48]).ravel())
    for name in NAMES[1:]:
        (root / f"labels/{name}.txt").write_text(f"0 {line}\n")
    with pytest.raises(UserError, match=r"no data\.yaml"):
        result(tmp_path, format="yolo")
    (root / "labels/p02.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (root / "labels/p03.txt").write_text(f"7 {line}\n")
    numbers = [
        {"value": 0, "name": "ground", "source": "background"},
        {"value": 1, "name": "cat", "source": 0},
    ]
    read_ = result(tmp_path, format="yolo", classes=numbers, max_bad_fraction=0.5)
    assert not mask_of(read_).any(), "a photo without a text file has no objects"
    np.testing.assert_array_equal(mask_of(read_, "p01"), INSIDE.astype(int))
    assert "a box is no mask" in read_.reasons()["labels/p02.txt"]
    assert "has the class number 7" in read_.reasons()["labels/p03.txt"]


def test_labels_of_a_label_map_that_the_table_lacks_are_named(tmp_path):
    root = tmp_path / "data"
    photos(root, "JPEGImages/{}.jpg")
    (root / "SegmentationClass").mkdir()
    colors = np.array([(0, 0, 0), (250, 50, 83), (1, 2, 3)], np.uint8)
    for number, name in enumerate(NAMES):
        values = np.asarray(tiny_pairs.mask(values=(0, 1, 2) if number < 2 else (0, 1)))
        Image.fromarray(colors[values]).save(root / f"SegmentationClass/{name}.png")
    labels = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:250,50,83::\ndog:1,2,3::\n"
    (root / "labelmap.txt").write_text(labels)
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    (root / "ImageSets/Segmentation/default.txt").write_text("\n".join(NAMES))
    read_ = result(tmp_path, format="voc", max_bad_fraction=0.5)
    assert len(read_.examples) == len(NAMES) - 2
    assert read_.report["unknown_values"] == {"dog": 2}
    (root / "labelmap.txt").write_text("cat;250,50,83\n")
    with pytest.raises(UserError, match=r"labelmap\.txt: a line must be label:red,green,blue"):
        result(tmp_path, format="voc")
