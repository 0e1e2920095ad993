"""The same drawn data set in every format gives equal raw examples; polygons follow pycocotools' rule."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from components.example_gen.settings import DataSettings
from petseg.coco_rle import counts_of_mask, encode_counts, fill_polygon
from tests.components import tiny_pairs
from tests.components.read_examples import Read, read

HEIGHT, WIDTH = 48, 64
SPLITS = {"train": range(12), "val": range(12, 16), "test": range(16, 22)}
SUBSETS = {"train": "Train", "val": "Validation", "test": "Test"}
"""The names that CVAT offers for the subset of a task."""
COLORS = {0: (0, 0, 0), 1: (61, 245, 61), 2: (140, 120, 240)}
CLASSES = [
    {"value": 0, "name": "background", "color": "#000000"},
    {"value": 1, "name": "traffic light", "color": "#3df53d"},
    {"value": 2, "name": "car", "color": "#8c78f0"},
]
LABELS = ("background", "traffic light", "car")


def polygons(number: int) -> list[tuple[int, list[float]]]:
    """A car in back and a traffic light in front of it, other ones in each photo; they overlap."""
    x, y = 4 + number, 6 + number % 5
    car = [x, y + 8.25, x + 30.25, y + 6, x + 34, y + 27.75, x + 3, y + 30]
    light = [x + 10, y, x + 21.75, y + 2, x + 15, y + 21]
    return [(2, [float(each) for each in car]), (1, [float(each) for each in light])]


def drawn(number: int) -> np.ndarray:
    """The mask of a pair, uint8 [HEIGHT, WIDTH]."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value, points in polygons(number):
        values[fill_polygon(points, HEIGHT, WIDTH)] = value
    return values


def pairs() -> list[tuple[int, str, str]]:
    """Number, name and split word of each pair."""
    return [(number, f"photo_{number:02d}", split) for split, numbers in SPLITS.items() for number in numbers]


def write_photo(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tiny_pairs.photo(number).save(path, quality=95)


def save(path: Path, pixels: np.ndarray | Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path)


def write_text(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def colored(number: int) -> np.ndarray:
    return np.array([COLORS[value] for value in range(3)], np.uint8)[drawn(number)]


def paletted(number: int) -> Image.Image:
    image = Image.fromarray(drawn(number)).convert("P")
    image.putdata(drawn(number).ravel().tolist())
    image.putpalette([channel for color in COLORS.values() for channel in color])
    return image


def folder(root: Path) -> dict[str, Any]:
    for number, name, split in pairs():
        write_photo(root / f"images/{name}.jpg", number)
        save(root / f"masks/{name}.png", drawn(number))
        (root / "splits").mkdir(exist_ok=True)
        with (root / f"splits/{split}.txt").open("a") as lines:
            lines.write(f"{name}\n")
    return {"format": "folder"}


def folder_of_colors(root: Path) -> dict[str, Any]:
    folder(root)
    for number, name, _ in pairs():
        save(root / f"masks/{name}.png", colored(number))
    return {"format": "folder"}


def pascal_voc(root: Path, mask: Callable[[int], Any] = paletted) -> dict[str, Any]:
    """As the challenge's archive unpacks."""
    below = root / "VOCdevkit/VOC2012"
    for number, name, split in pairs():
        write_photo(below / f"JPEGImages/{name}.jpg", number)
        save(below / f"SegmentationClass/{name}.png", mask(number))
        save(below / f"SegmentationObject/{name}.png", mask(number))
        (below / "ImageSets/Segmentation").mkdir(parents=True, exist_ok=True)
        for word in (split, "trainval") if split != "test" else (split,):
            with (below / f"ImageSets/Segmentation/{word}.txt").open("a") as lines:
                lines.write(f"{name}\n")
    return {"format": "voc"}


def cvat_mask(root: Path) -> dict[str, Any]:
    """CVAT's "Segmentation mask 1.1": colors of its own, with the subsets of the task."""
    own = np.array([(0, 0, 0), (250, 50, 83), (51, 221, 255)], np.uint8)
    for number, name, split in pairs():
        write_photo(root / f"JPEGImages/{name}.jpg", number)
        save(root / f"SegmentationClass/{name}.png", own[drawn(number)])
        save(root / f"SegmentationObject/{name}.png", own[drawn(number)])
        (root / "ImageSets/Segmentation").mkdir(parents=True, exist_ok=True)
        with (root / f"ImageSets/Segmentation/{SUBSETS[split]}.txt").open("a") as lines:
            lines.write(f"{name}\n")
    labels = (
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ntraffic light:250,50,83::\ncar:51,221,255::\n"
    )
    write_text(root / "labelmap.txt", labels)
    return {"format": "voc"}


def coco_file(split: str, segmentation: Callable[[int, int, list[float]], Any], folder_: str = "") -> dict:
    images, annotations = [], []
    for number, name, word in pairs():
        if word == split:
            file = {"id": number, "file_name": f"{folder_}{name}.jpg", "height": HEIGHT, "width": WIDTH}
            images.append(file)
            for value, points in polygons(number):
                each = {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 10 * value,
                    "iscrowd": 0,
                }
                area = float(fill_polygon(points, HEIGHT, WIDTH).sum())
                annotations.append(
                    each
                    | {
                        "segmentation": segmentation(number, value, points),
                        "area": area,
                        "bbox": [0, 0, 1, 1],
                    }
                )
    categories = [{"id": 10 * value, "name": LABELS[value]} for value in (2, 1)]
    return {"images": images, "annotations": annotations[::-1], "categories": categories}


def counts(number: int, value: int, points: list[float]) -> dict[str, Any]:
    return {"size": [HEIGHT, WIDTH], "counts": counts_of_mask(fill_polygon(points, HEIGHT, WIDTH))}


def compressed(number: int, value: int, points: list[float]) -> dict[str, Any]:
    return {"size": [HEIGHT, WIDTH], "counts": encode_counts(counts(number, value, points)["counts"])}


def coco_polygons(number: int, value: int, points: list[float]) -> list[list[float]]:
    return [points]


def coco(segmentation: Callable[[int, int, list[float]], Any]) -> Callable[[Path], dict[str, Any]]:
    """The challenge's layout."""

    def write(root: Path) -> dict[str, Any]:
        for number, name, split in pairs():
            write_photo(root / f"{split}2017/{name}.jpg", number)
        for split in SPLITS:
            write_text(root / f"annotations/instances_{split}2017.json", coco_file(split, segmentation))
            write_text(
                root / f"annotations/captions_{split}2017.json", {"annotations": [{"caption": "a car"}]}
            )
        return {"format": "coco"}

    return write


def roboflow(root: Path) -> dict[str, Any]:
    for number, name, split in pairs():
        write_photo(root / f"{'valid' if split == 'val' else split}/{name}.jpg", number)
    for split in SPLITS:
        folder_ = "valid" if split == "val" else split
        write_text(root / f"{folder_}/_annotations.coco.json", coco_file(split, coco_polygons))
    return {"format": "coco"}


def cvat_coco(root: Path) -> dict[str, Any]:
    """CVAT's "COCO 1.0": a file and a folder of photos for each subset."""
    for number, name, split in pairs():
        write_photo(root / f"images/{SUBSETS[split]}/{name}.jpg", number)
    for split, subset in SUBSETS.items():
        write_text(root / f"annotations/instances_{subset}.json", coco_file(split, coco_polygons))
    return {"format": "coco"}


def cvat_brushed(root: Path) -> dict[str, Any]:
    """The same with every mask brushed."""
    cvat_coco(root)
    for split, subset in SUBSETS.items():
        content = coco_file(split, counts)
        for annotation in content["annotations"]:
            annotation |= {"iscrowd": 1, "attributes": {"occluded": False}}
        write_text(root / f"annotations/instances_{subset}.json", content)
    return {"format": "coco", "crowds": "labels"}


STUFF_IDS = {0: 183, 1: 92, 2: 182}
"""Categories of stuff have these numbers in COCO; 183 is all things."""


def stuff(root: Path) -> dict[str, Any]:
    """COCO's stuff: a mask for each category of a photo, and the same as indexed PNGs beside the JSON."""
    for split in SPLITS:
        content = coco_file(split, compressed)
        content["categories"] = [
            {"supercategory": "s", "id": STUFF_IDS[value], "name": name} for value, name in enumerate(LABELS)
        ]
        content["annotations"] = []
        for number, name, word in pairs():
            if word == split:
                write_photo(root / f"{split}2017/{name}.jpg", number)
                indexed = Image.fromarray(np.array([183, 92, 182], np.uint8)[drawn(number)]).convert("P")
                indexed.putdata(np.array([183, 92, 182])[drawn(number)].ravel().tolist())
                indexed.putpalette([each for index in range(256) for each in (index, 255 - index, 7)])
                save(root / f"annotations/stuff_{split}2017_pixelmaps/{name}.png", indexed)
                for value in range(3):
                    inside = drawn(number) == value
                    content["annotations"].append(
                        {
                            "id": 10**7 + len(content["annotations"]),
                            "image_id": number,
                            "category_id": STUFF_IDS[value],
                            "segmentation": {
                                "counts": encode_counts(counts_of_mask(inside)),
                                "size": [HEIGHT, WIDTH],
                            },
                            "area": float(inside.sum()),
                            "bbox": [0.0, 0.0, 1.0, 1.0],
                            "iscrowd": 0,
                        }
                    )
        write_text(root / f"annotations/stuff_{split}2017.json", content)
    return {"format": "coco"}


def stuff_pixelmaps(root: Path) -> dict[str, Any]:
    """The indexed PNGs of COCO's stuff, read as files."""
    stuff(root)
    return {
        "format": "folder",
        "photos": "{split}2017/*.jpg",
        "masks": "annotations/stuff_{split}2017_pixelmaps/{stem}.png",
        "classes": [entry | {"source": STUFF_IDS[entry["value"]]} for entry in CLASSES],
    }


def panoptic(root: Path) -> dict[str, Any]:
    ids = {0: 3226956, 1: 7, 2: 70000}
    for split in SPLITS:
        content = coco_file(split, coco_polygons)
        content["annotations"] = []
        for number, name, word in pairs():
            if word == split:
                write_photo(root / f"{split}2017/{name}.jpg", number)
                numbers = np.array([ids[value] for value in range(3)])[drawn(number)]
                rgb = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=-1)
                save(root / f"annotations/panoptic_{split}2017/{name}.png", rgb.astype(np.uint8))
                segments = [{"id": ids[value], "category_id": 10 * value, "iscrowd": 0} for value in range(3)]
                content["annotations"].append(
                    {"image_id": number, "file_name": f"{name}.png", "segments_info": segments}
                )
        content["categories"].append({"id": 0, "name": "background"})
        write_text(root / f"annotations/panoptic_{split}2017.json", content)
    return {"format": "coco"}


def labelme(shape: Callable[[list[float]], dict[str, Any]]) -> Callable[[Path], dict[str, Any]]:
    def write(root: Path) -> dict[str, Any]:
        for number, name, split in pairs():
            write_photo(root / f"{split}/{name}.jpg", number)
            shapes = [
                {"label": LABELS[value], "group_id": None, "flags": {}} | shape(points)
                for value, points in polygons(number)
            ]
            content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": f"{name}.jpg"}
            content |= {"imageData": None, "imageHeight": HEIGHT, "imageWidth": WIDTH}
            write_text(root / f"{split}/{name}.json", content)
        return {"format": "labelme", "photos": "{split}/*"}

    return write


def labelme_polygon(points: list[float]) -> dict[str, Any]:
    return {"shape_type": "polygon", "points": np.reshape(points, (-1, 2)).tolist()}


def labelme_mask(points: list[float]) -> dict[str, Any]:
    inside = fill_polygon(points, HEIGHT, WIDTH)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    part = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    file = io.BytesIO()
    Image.fromarray(part).save(file, "PNG")
    corners = [[int(columns[0]), int(rows[0])], [int(columns[-1]), int(rows[-1])]]
    return {"shape_type": "mask", "points": corners, "mask": base64.b64encode(file.getvalue()).decode()}


def yolo(layout: tuple[str, str], names: object) -> Callable[[Path], dict[str, Any]]:
    def write(root: Path) -> dict[str, Any]:
        for number, name, split in pairs():
            photo, text = (part.format(split=split, name=name) for part in layout)
            write_photo(root / photo, number)
            shares = [
                f"{2 - value} "
                + " ".join(f"{x:.9f}" for x in (np.reshape(points, (-1, 2)) / [WIDTH, HEIGHT]).ravel())
                for value, points in polygons(number)
            ]
            write_text(root / text, "\n".join(shares) + "\n")
        if names:
            write_text(
                root / "data.yaml", yaml.safe_dump({"path": ".", "train": "images/train", "names": names})
            )
        return {"format": "yolo"}

    return write


RASTER = {
    "folder": folder,
    "folder, RGB colors": folder_of_colors,
    "VOC, palette": pascal_voc,
    "VOC, RGB colors": lambda root: pascal_voc(root, colored),
    "CVAT, Segmentation mask 1.1": cvat_mask,
    "COCO, run lengths": coco(counts),
    "COCO, compressed run lengths": coco(compressed),
    "COCO, panoptic": panoptic,
    "COCO, stuff": stuff,
    "COCO, pixelmaps of stuff": stuff_pixelmaps,
    "CVAT, COCO 1.0, brushed": cvat_brushed,
    "labelme, masks": labelme(labelme_mask),
}
POLYGONS = {
    "COCO, polygons": coco(coco_polygons),
    "CVAT, COCO 1.0": cvat_coco,
    "Roboflow, COCO": roboflow,
    "labelme, polygons": labelme(labelme_polygon),
    "YOLO": yolo(("images/{split}/{name}.jpg", "labels/{split}/{name}.txt"), ["car", "traffic light"]),
    "YOLO, folders of splits": yolo(
        ("{split}/images/{name}.jpg", "{split}/labels/{name}.txt"), {0: "car", 1: "traffic light"}
    ),
}


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
