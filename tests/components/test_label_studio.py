"""Label Studio's export of brushed regions as PNGs, with the names that its converter writes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.example_gen.looks.recognition.recognize import recognize
from components.example_gen.looks.tree import list_tree
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from pipeline.inspection.init import write_config
from pipeline.settings import load_settings
from tests.components import tiny_pairs
from tests.components.read_examples import Read, read

TASKS = range(11, 31)
TABLE = ["background", "traffic light", "left/right"]
LIGHT, WIDE = np.zeros((2, 48, 64), bool)
LIGHT[10:30, 10:30] = True
WIDE[5:40, 5:50] = True
EXPECTED = np.zeros((48, 64), int)
EXPECTED[WIDE], EXPECTED[LIGHT] = 2, 1


def upload(task: int) -> str:
    return f"{task:08x}-photo {task}.jpg"


def region(
    root: Path, task: int, label: str, inside: np.ndarray, annotation: int = 0, number: int = 0
) -> None:
    """As `save_brush_images_from_annotation` in label_studio_sdk/converter/brush.py names and writes it."""
    by, annotation = "ann@example.com", annotation or 100 + task
    name = f"task-{task}-annotation-{annotation}-by-{by}-my-tag-{label.replace('/', '-')}-{number}"
    root.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(inside, 255, 0).astype(np.uint8)).save(root / f"{name}.png")


def exported(task: int, minimal: bool = False) -> dict[str, Any]:
    """A task in "JSON" or "JSON-MIN"; the run lengths of its regions are left out."""
    photo = f"/data/upload/1/{upload(task)}"
    results = [{"brushlabels": [label], "format": "rle", "rle": []} for label in TABLE[1:]]
    if minimal:
        return {"image": photo, "id": task, "my-tag": results, "annotator": 1, "annotation_id": 100 + task}
    result = [
        {"value": value, "from_name": "my-tag", "to_name": "image", "type": "brushlabels"}
        for value in results
    ]
    annotation = {"id": 100 + task, "completed_by": 1, "result": result, "was_cancelled": False}
    return {"id": task, "annotations": [annotation], "data": {"image": photo}, "file_upload": upload(task)}


def write(root: Path, minimal: bool = False, prefixed: bool = True) -> None:
    """Twenty tasks, each with a wide region and a traffic light upon it, drawn in two strokes."""
    for task in TASKS:
        name = upload(task) if prefixed else upload(task)[9:]
        (root / "images").mkdir(parents=True, exist_ok=True)
        tiny_pairs.photo(task).save(root / "images" / name)
        region(root / "brush", task, "left/right", WIDE)
        rows = np.arange(48)[:, None] < 20
        region(root / "brush", task, "traffic light", LIGHT & rows)
        region(root / "brush", task, "traffic light", LIGHT & ~rows, number=1)
    content = [exported(task, minimal) for task in TASKS]
    (root / "project-1-at-2026-11-21-10-00-1a2b3c4d.json").write_text(json.dumps(content))


def result(tmp_path: Path, **settings: object) -> Read:
    values = {"path": str(tmp_path / "data"), "classes": TABLE, "format": "label_studio", **settings}
    return read(tmp_path, DataSettings.model_validate(values))


@pytest.mark.parametrize(("minimal", "prefixed"), [(False, True), (True, False)])
def test_every_task_is_a_pair(tmp_path, minimal, prefixed):
    write(tmp_path / "data", minimal, prefixed)
    read_ = result(tmp_path)
    names = [upload(task)[0 if prefixed else 9 :].removesuffix(".jpg") for task in TASKS]
    assert list(read_.examples) == sorted(names)
    assert read_.report["quarantined"] == []
    for example in read_.examples.values():
        np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), EXPECTED)


def test_the_last_annotation_of_a_task_counts(tmp_path):
    write(tmp_path / "data")
    region(tmp_path / "data/brush", TASKS[0], "left/right", LIGHT, annotation=999)
    corrected = result(tmp_path).examples[upload(TASKS[0]).removesuffix(".jpg")]
    np.testing.assert_array_equal(tiny_pairs.decoded_mask(corrected), np.where(LIGHT, 2, 0))


def test_what_does_not_fit_is_named(tmp_path):
    root = tmp_path / "data"
    write(root)
    region(root / "brush", 77, "traffic light", LIGHT)
    for file in root.glob("brush/task-12-*"):
        file.unlink()
    (root / "images" / upload(13)).unlink()
    region(root / "brush", 14, "traffic light", LIGHT[:9], number=2)
    read_ = result(tmp_path, max_bad_fraction=0.5)
    reasons = read_.reasons()
    assert reasons[upload(13)] == "is missing; project-1-at-2026-11-21-10-00-1a2b3c4d.json names it"
    (png,) = (file for file in reasons if "task-77-" in file)
    assert reasons[png] == "is of task 77, which no JSON export there has"
    (png,) = (file for file in reasons if "task-14-" in file)
    assert reasons[png] == "has another size than the other regions of its task"
    assert read_.report["in_no_list"] == [upload(12).removesuffix(".jpg")], "it is not labeled yet"


def test_without_the_json_export_it_says_what_to_export(tmp_path):
    write(tmp_path / "data")
    next((tmp_path / "data").glob("*.json")).unlink()
    with pytest.raises(UserError, match=r"nothing says which photo a task is; export JSON, too"):
        result(tmp_path)


def test_labels_that_the_table_lacks_are_named(tmp_path):
    write(tmp_path / "data")
    with pytest.raises(UserError, match=r"data\.classes lacks the labels left-right; it has"):
        result(tmp_path, classes=TABLE[:2])


def test_init_writes_a_config_that_reads_it(tmp_path):
    write(tmp_path / "data")
    found = recognize(list_tree(str(tmp_path / "data")))
    assert found is not None
    assert found.labels == ("left-right", "traffic light")
    assert "60 brushed regions in 20 tasks" in found.grounds[0]
    list(write_config("petseg", str(tmp_path / "data"), tmp_path / "mine.yaml", None))
    data = load_settings(tmp_path / "mine.yaml").data
    assert data.format == "label_studio"
    read_ = read(tmp_path, data)
    values = dict(zip(data.classes.names, data.classes.values, strict=True))
    for example in read_.examples.values():
        mask = tiny_pairs.decoded_mask(example)
        np.testing.assert_array_equal(mask == values["traffic light"], LIGHT)
        np.testing.assert_array_equal(mask == values["left-right"], WIDE & ~LIGHT)
