"""One drawn data set, written as every format that Petseg reads."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from petseg.coco_rle import fill_polygon
from tests.components.coco_formats import (
    coco,
    coco_polygons,
    compressed,
    counts,
    cvat_brushed,
    cvat_coco,
    panoptic,
    roboflow,
    stuff,
    stuff_pixelmaps,
)
from tests.components.same_pairs import (
    COLORS,
    HEIGHT,
    LABELS,
    SUBSETS,
    WIDTH,
    drawn,
    pairs,
    polygons,
    save,
    write_photo,
    write_text,
)


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
